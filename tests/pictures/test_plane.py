import numpy as np

from gan_jax.pictures.plane import plane


def test_points_are_where_they_belong():
    """Samples are orange, data gray; the first panel's field has its largest scores, blue, on top."""
    sample, data = np.array([[0.5, 0.5]] * 50), np.array([[-0.5, -0.5]] * 50)
    field = np.linspace(-1, 1, 64)[:, None].repeat(64, axis=1)
    picture = np.asarray(plane([sample], data, 1.0, field=field)).astype(int)
    height, width = picture.shape[:2]
    at = lambda x, y: picture[round((0.5 - y / 2) * height), round((0.5 + x / 2) * width)]
    near = lambda x, y: picture[
        round((0.5 - y / 2) * height) - 6 : round((0.5 - y / 2) * height) + 7,
        round((0.5 + x / 2) * width) - 6 : round((0.5 + x / 2) * width) + 7,
    ].reshape(-1, 3)
    assert (near(0.5, 0.5)[:, 0] - near(0.5, 0.5)[:, 2]).max() > 150  # orange
    assert near(-0.5, -0.5).max(axis=1).min() < 110  # dark gray
    assert at(0, 0.9)[2] > at(0, 0.9)[0] and at(0, -0.9)[0] > at(0, -0.9)[2]


def test_panels_are_one_a_generator():
    one, seven = (plane([np.zeros((1, 2))] * n, np.zeros((1, 2)), 1.0) for n in (1, 7))
    assert one.size == (512, 512) and seven.size == (1200, 480)
