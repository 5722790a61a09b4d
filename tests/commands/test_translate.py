"""`translate`: sizes, folders, holes, labels, noise, and what is said of bad files."""

import numpy as np
import pytest
from PIL import Image

import gan_jax

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def doubled(trained_once, small_digits):
    return trained_once("doubled", *small_digits, "--blocks=1", "--game=none", experiment="restore")


@pytest.fixture
def painted(trained_once, folder, small):
    """Of 3 labels, in files of 16×16 pixels."""
    for name in ("maps", "images"):
        (folder / name).mkdir(exist_ok=True)
        for number in range(10):
            labels = np.random.RandomState(number).randint(0, 3, (16, 16)).astype(np.uint8)
            picture = labels if name == "maps" else np.dstack([labels * 100] * 3)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    data = f"--dataset=maps:{folder / 'maps'},{folder / 'images'}"
    return trained_once("painted", data, "--style_size=4", "--g_lr=0.05", *small, experiment="spade")


@pytest.fixture
def pictures(tmp_path):
    """Images of two sizes, in a folder and one in it."""
    random = np.random.RandomState(0)
    (tmp_path / "in" / "more").mkdir(parents=True)
    for name, shape in {"a.png": (11, 20), "more/b.jpg": (8, 16, 3)}.items():
        Image.fromarray(random.randint(0, 256, shape, np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in"


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_folder_keeps_its_names_and_sizes(run_command, edges, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_command("translate", f"--workdir={edges}", str(pictures), f"--out={out}") == 0
    assert opened(out / "a.png").shape == (11, 20) and opened(out / "more" / "b.png").shape == (8, 16)
    assert opened(out / "before-after.png").shape[2] == 3
    assert f"2 images in {out}" in capsys.readouterr().out


def test_sides_that_the_network_does_not_take_are_reflected_and_cut_back(run_command, edges, pictures, tmp_path):
    """One of twice as many rows, the reflection itself, becomes the same where the cut is."""
    image = opened(pictures / "a.png")
    rows, columns = (-side % 8 for side in image.shape)
    whole = np.pad(image, [(rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)], mode="symmetric")
    (tmp_path / "b").mkdir()
    Image.fromarray(whole).save(tmp_path / "b" / "a.png")
    for name, source in (("one", pictures / "a.png"), ("two", tmp_path / "b" / "a.png")):
        assert run_command("translate", f"--workdir={edges}", str(source), f"--out={tmp_path / name}") == 0
    padded = opened(tmp_path / "two" / "a.png")[rows // 2 :, columns // 2 :][: image.shape[0], : image.shape[1]]
    np.testing.assert_array_equal(opened(tmp_path / "one" / "a.png"), padded)


def test_noise_of_its_own_is_of_the_seed(run_command, trained_once, small_digits, pictures, tmp_path):
    """So too on the next day; another seed is another picture. A U-Net of fewer than six halvings has no dropout."""
    edges = trained_once("noisy", *small_digits, "--image_size=64", "--noisy", "--steps=1", experiment="pix2pix")
    made = []
    for number, seed in enumerate((0, 0, 1)):
        out = tmp_path / str(number)
        assert run_command("translate", f"--workdir={edges}", f"--seed={seed}", str(pictures), f"--out={out}") == 0
        made.append(opened(out / "a.png"))
    np.testing.assert_array_equal(made[0], made[1])
    assert np.any(made[0] != made[2])


def test_larger_images_are_larger_wherever_the_default_puts_them(run_command, doubled, pictures):
    assert run_command("translate", f"--workdir={doubled}", str(pictures / "a.png")) == 0
    assert opened(doubled / "translated" / "a.png").shape == (22, 40)


@pytest.mark.parametrize("by", ["alpha", "masks"])
def test_holes(run_command, filled, pictures, tmp_path, by):
    """Outside the hole nothing is changed, and what is in it does not matter."""
    image, hole, made = opened(pictures / "a.png"), np.zeros((11, 20), bool), []
    hole[2:5, 3:9] = True
    for number, inside in enumerate((0, 200)):
        folder = tmp_path / f"{by}{number}"
        folder.mkdir()
        shown = np.where(hole, inside, image).astype(np.uint8)
        if by == "alpha":
            Image.fromarray(np.dstack([shown] * 3 + [np.where(hole, 0, 255)]).astype(np.uint8)).save(folder / "a.png")
            masks = ()
        else:
            Image.fromarray(shown).save(folder / "a.png")
            Image.fromarray((255 * hole).astype(np.uint8)).save(tmp_path / "mask.png")
            masks = (f"--masks={tmp_path / 'mask.png'}",)
        out = folder / "out"
        assert run_command("translate", f"--workdir={filled}", *masks, str(folder / "a.png"), f"--out={out}") == 0
        made.append(opened(out / "a.png"))
    np.testing.assert_array_equal(*made)
    np.testing.assert_array_equal(made[0][~hole], image[~hole])
    assert np.any(made[0][hole] != 200)


def test_what_the_run_undoes_is_done_first(run_command, doubled, pictures, tmp_path):
    out = tmp_path / "out"
    given = ("translate", f"--workdir={doubled}", "--degrade", str(pictures / "more"), f"--out={out}")
    assert run_command(*given) == 0
    assert opened(out / "b.png").shape == (8, 16)
    assert opened(out / "before-after.png").shape[1] > 3 * 16


@pytest.mark.parametrize(
    "given, said",
    [
        ((), "image files or folders are needed"),
        (("/nowhere.png",), "/nowhere.png: no such file or folder"),
        (("{empty}",), "has no images"),
        (("{pictures}", "{pictures}/a.png"), "a.png: would be written into a.png, as is"),
        (("{pictures}/a.png", "--out={pictures}"), "a.png: would be written over itself"),
        (("{pictures}", "--translator=b_to_a"), "unknown translator 'b_to_a'; choose from a_to_b"),
        (("{broken}",), "1 of 1 could not be translated"),
        (("{pictures}", "--seed=-1"), "seed=-1"),
        (("{pictures}", "--masks={pictures}"), "fills no holes"),
        (("{pictures}", "--max_pixels=100"), "2 of 2 could not be translated"),
        (("{pictures}", "--style={pictures}/a.png"), "draws in no style that is given"),
    ],
)
def test_errors_are_one_line(run_command, edges, pictures, tmp_path, capsys, given, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_text("no image")
    places = dict(empty=tmp_path / "empty", pictures=pictures, broken=tmp_path / "broken.png")
    assert run_command("translate", f"--workdir={edges}", *(each.format(**places) for each in given)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and said in line, line


def test_what_cannot_be_read_does_not_stop_the_others(run_command, edges, pictures, tmp_path, capsys):
    (pictures / "0.png").write_text("no image")
    assert run_command("translate", f"--workdir={edges}", str(pictures), f"--out={tmp_path / 'out'}") == 2
    assert (tmp_path / "out" / "a.png").exists() and (tmp_path / "out" / "more" / "b.png").exists()
    assert "1 of 3 could not be translated" in capsys.readouterr().err


def test_masks_by_name(run_command, filled, pictures, tmp_path, capsys):
    """From the folder on, whatever the ending; what has none is named."""
    mask = np.zeros((11, 20), np.uint8)
    mask[2:5, 3:9] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.bmp")
    given = (
        "translate",
        f"--workdir={filled}",
        str(pictures),
        f"--masks={tmp_path / 'masks'}",
        f"--out={tmp_path / 'out'}",
    )
    assert run_command(*given) == 2
    assert (
        "1 of 2 could not be translated" in (said := capsys.readouterr().err)
        and "b.jpg: has no mask of its name" in said
    )
    kept = mask == 0
    np.testing.assert_array_equal(opened(tmp_path / "out" / "a.png")[kept], opened(pictures / "a.png")[kept])


def test_masks_lie_as_their_images_do(run_command, filled, pictures, tmp_path):
    """Both turned, as EXIF has it, by a quarter."""
    hole = np.zeros((16, 16), np.uint8)
    hole[1:4, 2:12] = 255
    image = np.random.RandomState(0).randint(0, 256, (16, 16, 3), np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.dstack([image, 255 - hole])).save(tmp_path / "t.png", exif=turned)
    assert run_command("translate", f"--workdir={filled}", str(tmp_path / "t.png"), f"--out={tmp_path / 'out'}") == 0
    seen, kept = (np.rot90(each, -1) for each in (image, hole == 0))
    gray = np.asarray(Image.fromarray(seen).convert("L"))
    np.testing.assert_array_equal(opened(tmp_path / "out" / "t.png")[kept], gray[kept])


def test_holes_that_are_not_said(run_command, filled, pictures, tmp_path, capsys):
    assert run_command("translate", f"--workdir={filled}", str(pictures / "a.png"), f"--out={tmp_path / 'out'}") == 2
    assert "nothing is transparent in it, and so nothing is missing" in capsys.readouterr().err


def test_a_style_that_is_given(run_command, painted, tmp_path, capsys):
    """Then chance has no part in it, and another image gives another style."""
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(tmp_path / "map.png")
    for name, seed in {"one": 0, "other": 1}.items():
        texture = np.random.RandomState(seed).randint(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(texture).save(tmp_path / f"{name}.png")
    made = []
    for style, seed in (("one", 0), ("one", 1), ("other", 0)):
        given = (
            f"--workdir={painted}",
            f"--style={tmp_path / style}.png",
            f"--seed={seed}",
            f"--out={tmp_path / 'out'}",
        )
        assert run_command("translate", *given, str(tmp_path / "map.png")) == 0
        made.append(opened(tmp_path / "out" / "map.png"))
    np.testing.assert_array_equal(made[0], made[1])
    assert np.any(made[0] != made[2])
    assert run_command("translate", f"--workdir={painted}", "--translator=in_style", str(tmp_path / "map.png")) == 2
    assert (
        "in_style of" in (said := capsys.readouterr().err)
        and "draws in the style of an image; --style names it" in said
    )


def test_label_maps(run_command, painted, tmp_path, capsys):
    """They become as large as those that were learnt; numbers that the run does not know are named."""
    for name, top in {"known": 3, "beyond": 5}.items():
        labels = (np.arange(16 * 20).reshape(16, 20) % top).astype(np.uint8)
        Image.fromarray(labels).save(tmp_path / f"{name}.png")
    given = ("translate", f"--workdir={painted}", f"--out={tmp_path / 'out'}")
    assert run_command(*given, str(tmp_path / "known.png")) == 0
    assert opened(tmp_path / "out" / "known.png").shape == (16, 16, 3)
    assert run_command(*given, str(tmp_path / "beyond.png")) == 2
    assert "beyond.png: has a label 4, and there are 3, 0 to 2" in capsys.readouterr().err


def test_runs_that_do_not_translate(run_command, trained_once, pictures, capsys):
    run = trained_once("vae", "--hidden=8", "--image_size=8", "--batch_size=8", "--steps=1", experiment="vae")
    assert run_command("translate", f"--workdir={run}", str(pictures)) == 2
    assert "is a run of vae, which does not translate" in capsys.readouterr().err


def test_a_run_is_a_model_in_python(edges):
    """As the command, on arrays; noise is of the seed."""
    run = gan_jax.load(edges)
    images = np.random.RandomState(0).randint(0, 256, (3, 8, 16, 1), np.uint8)
    made = run.translate(images)
    assert (made.shape, made.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(made[1:2], run.translate({"image": images})[1:2])
    with pytest.raises(ValueError, match="unknown translator 'b_to_a'; choose from a_to_b"):
        run.translate(images, translator="b_to_a")
