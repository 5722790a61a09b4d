"""PSNR, SSIM and L1: published and closed values, loops, masks."""

import numpy as np
import pytest

from gan_jax.evaluation.image_metrics import similarity_maps
from gan_jax.evaluation.restoration import l1, luma, psnr, ssim

RANDOM = np.random.RandomState(0)
A, B = (RANDOM.randint(0, 256, (3, 20, 17, 3), np.uint8) for _ in range(2))


def constant(value, side=16):
    return np.full((1, side, side, 1), value, np.uint8)


def test_psnr_of_known_errors():
    assert psnr(constant(7), constant(8)) == pytest.approx(48.1308, abs=1e-4)  # 1/255 of white
    half = np.where(np.indices((1, 16, 16, 1)).sum(0) % 2, 51, 0).astype(np.uint8)  # mean square 51²/2
    assert psnr(half, constant(0)) == pytest.approx(20 * np.log10(5 * np.sqrt(2)))
    assert np.isposinf(psnr(A, A)).all()


def test_ssim_of_constants():
    assert ssim(constant(0), constant(255)) == pytest.approx(9.999e-5, abs=1e-8)
    quarters = (np.full((1, 16, 16, 1), part * 255) for part in (0.25, 0.75))
    assert similarity_maps(*quarters)[0] == pytest.approx(np.full((1, 6, 6, 1), 0.600064), abs=1e-6)
    np.testing.assert_array_equal(ssim(A, A), np.ones(3))


def test_ssim_by_loops():
    """Each window on its own: weighted means, variances and covariance, of a population."""
    offsets = np.arange(11) - 5
    row = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(row, row) / row.sum() ** 2
    found = []
    for y in range(20 - 10):
        for x in range(17 - 10):
            for c in range(3):
                a, b = (each[0, y : y + 11, x : x + 11, c] / 255 for each in (A, B))
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                cov = (window * (a - mean_a) * (b - mean_b)).sum()
                same = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                found.append(same * (2 * cov + 9e-4) / (var_a + var_b + 9e-4))
    assert ssim(A, B)[0] == pytest.approx(np.mean(found))


def test_as_scikit_image_has_it():
    """Its photograph of a cameraman with noise, seed 5 and deviation 20: 22.409353 dB and .357959; and by its own functions."""
    data = pytest.importorskip("skimage.data", reason="scikit-image has the picture")
    metrics = pytest.importorskip("skimage.metrics")
    clean = data.camera()
    noisy = np.clip(clean + np.random.RandomState(5).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    a, b = clean[None, ..., None], noisy[None, ..., None]
    assert psnr(a, b) == pytest.approx(22.409353, abs=1e-6)
    assert ssim(a, b) == pytest.approx(0.357959, abs=1e-5)
    assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(clean, noisy))
    windows = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert ssim(a, b) == pytest.approx(metrics.structural_similarity(clean, noisy, **windows), abs=1e-9)


def test_luma():
    assert luma(np.array([[[[255, 255, 255], [0, 0, 0], [255, 0, 0]]]], np.uint8)).ravel().tolist() == [235, 16, 81]
    np.testing.assert_array_equal(luma(A[..., :1]), A[..., :1])


def test_only_what_is_in_the_mask_counts():
    mask = np.zeros((3, 20, 17), bool)
    mask[:, 6:9, 6:9] = True
    elsewhere = np.where(mask[..., None], B, 255 - B)
    for measure in (psnr, l1):
        np.testing.assert_allclose(measure(A, B, mask), measure(A[:, 6:9, 6:9], B[:, 6:9, 6:9]))
        np.testing.assert_allclose(measure(A, B, mask), measure(A, elsewhere, mask))
        np.testing.assert_allclose(measure(A, B, np.ones_like(mask)), measure(A, B))
    np.testing.assert_allclose(ssim(A, B, np.ones_like(mask)), ssim(A, B))
    one = np.zeros_like(mask)
    one[:, 7, 6] = True  # the centre of a window
    np.testing.assert_allclose(ssim(A, B, one), ssim(A[:, 2:13, 1:12], B[:, 2:13, 1:12]))


def test_structure_has_no_number_where_no_window_fits_the_hole():
    """At an edge; of the other images it has."""
    mask = np.zeros((3, 20, 17), bool)
    mask[0, 0, 0] = mask[1:, 10, 8] = True
    found = ssim(A, B, mask)
    assert np.isnan(found[0]) and np.isfinite(found[1:]).all() and np.isfinite(psnr(A, B, mask)).all()


@pytest.mark.parametrize("measure", [psnr, ssim, l1])
def test_messages(measure):
    name = measure.__name__
    with pytest.raises(ValueError, match=rf"{name} needs uint8 images .* got float64 \[3, 20, 17, 3\]"):
        measure(A.astype(float), B)
    with pytest.raises(
        ValueError, match=rf"{name} needs two arrays of equal shape, got \[3, 20, 17, 3\] and \[2, 20, 17, 3\]"
    ):
        measure(A, B[:2])
    with pytest.raises(ValueError, match=rf"{name} needs a mask of bool \[3, 20, 17\], got int64"):
        measure(A, B, np.ones((3, 20, 17), int))
    with pytest.raises(ValueError, match=f"{name}: image 1 has no pixel in its mask"):
        measure(A, B, np.broadcast_to(np.array([True, False, True])[:, None, None], (3, 20, 17)))
