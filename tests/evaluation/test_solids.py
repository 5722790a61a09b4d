"""Pieces, symmetry and overlap of shapes, by hand."""

import numpy as np

from gan_jax.evaluation import solids


def empty():
    return np.zeros((1, 4, 4, 4), bool)


def test_components_hang_together_by_faces():
    voxels = empty()
    assert solids.components(voxels) == [0]
    voxels[0, 0, 0, :2] = True
    assert solids.components(voxels) == [1]
    voxels[0, 1, 1, 1] = True  # beside it over an edge
    assert solids.components(voxels) == [2]
    voxels[0, 0, 1, 1] = True
    assert solids.components(voxels) == [1]


def test_the_largest_piece_is_kept():
    voxels = empty()
    voxels[0, 0, 0, :2] = voxels[0, 3, 3, 3] = True
    kept = solids.largest(voxels)
    assert kept.sum() == 2
    assert kept[0, 0, 0, :2].all()
    assert (solids.largest(kept) == kept).all()
    assert not solids.largest(empty()).any()


def test_symmetry_is_overlap_with_the_reflection():
    """Voxels 0 and 1 of four, reflected 3 and 2: none in common. Voxels 0, 1 and 2: 1 and 2 in common of four."""
    voxels = empty()
    assert solids.symmetry(voxels) == [1]
    voxels[0, 0, 0, :2] = True
    assert solids.symmetry(voxels) == [0]
    voxels[0, 0, 0, 2] = True
    assert solids.symmetry(voxels) == [0.5]
    assert solids.symmetry(voxels, axis=1) == [0]
    assert solids.overlap(voxels, voxels) == [1]
