import numpy as np
from PIL import Image

from gan_jax.pictures import animations, grids


def test_an_animation_has_the_frames_in_order_and_holds_the_last(tmp_path):
    frames = []
    for step, value in ((100, -1), (200, 0), (300, 1)):
        frames.append(tmp_path / f"{step:06d}.png")
        grids.save(grids.grid(np.full((1, 8, 8, 1), value), least_side=64), frames[-1])
    animations.animate(frames, tmp_path / "all.gif", seconds=0.3, hold=1.0)
    with Image.open(tmp_path / "all.gif") as film:
        assert film.n_frames == 3
        seen = []
        for i in range(3):
            film.seek(i)
            seen.append((film.convert("L").getpixel((30, 30)), film.info["duration"]))
    assert [duration for _, duration in seen] == [100, 100, 1000]
    assert seen[0][0] < 20 < 110 < seen[1][0] < 140 < 235 < seen[2][0]


def test_a_film_starts_again_at_its_end(tmp_path):
    frames = [grids.grid(np.full((1, 8, 8, 3), value), least_side=64) for value in (-1, 0, 1)]
    animations.film(frames, tmp_path / "new" / "all.gif", [50, 60, 70])
    with Image.open(tmp_path / "new" / "all.gif") as film:
        assert film.n_frames == 3 and film.info["loop"] == 0
        for i, duration in enumerate((50, 60, 70)):
            film.seek(i)
            assert film.info["duration"] == duration
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), np.asarray(frames[i]))


def test_no_frames_make_no_animation(tmp_path):
    animations.animate([], tmp_path / "all.gif")
    assert not (tmp_path / "all.gif").exists()


def test_of_very_many_frames_some_are_shown_the_first_and_the_last_among_them(tmp_path):
    frames = []
    for step, value in enumerate(np.linspace(-1, 1, 3 * animations.FRAMES)):
        frames.append(tmp_path / f"{step:06d}.png")
        grids.save(grids.grid(np.full((1, 4, 4, 1), value), least_side=8), frames[-1])
    animations.animate(frames, tmp_path / "all.gif")
    with Image.open(tmp_path / "all.gif") as film:
        assert film.n_frames == animations.FRAMES
        first = film.convert("L").getpixel((4, 4))
        film.seek(film.n_frames - 1)
        assert first < 10 and film.convert("L").getpixel((4, 4)) > 245
