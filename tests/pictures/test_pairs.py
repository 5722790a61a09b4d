import numpy as np

from gan_jax.pictures.pairs import LINE, pairs


def test_each_sample_is_left_of_what_belongs_to_it():
    """Pair k has the gray levels of k and of -k; in two columns they come row by row."""
    left = np.array([0.2, 0.4, 0.6, 0.8]).reshape(-1, 1, 1, 1) * np.ones((4, 8, 8, 1))
    picture = np.asarray(pairs(left, -left, ("sample", "nearest"), columns=2).convert("L"))
    height, width = picture.shape
    middle = lambda row, column: int(
        picture[LINE + int((row + 0.5) * (height - LINE) / 2), int((column + 0.5) * width / 4)]
    )
    level = lambda value: round((value + 1) * 127.5)
    seen = [[middle(row, column) for column in range(4)] for row in range(2)]
    assert seen == [
        [level(0.2), level(-0.2), level(0.4), level(-0.4)],
        [level(0.6), level(-0.6), level(0.8), level(-0.8)],
    ]
    title = picture[:LINE] < 128
    assert title[:, : width // 2].any() and title[:, width // 2 :].any()


def test_fewer_pairs_than_columns():
    picture = pairs(np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 3)), ("sample", "nearest"))
    assert picture.width < 200 and picture.mode == "RGB"
