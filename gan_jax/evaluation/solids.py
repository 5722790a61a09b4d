"""Measures of shapes, voxels bool [N, D, H, W], that need no network."""

import numpy as np
from scipy import ndimage

Array = np.ndarray


def components(voxels: Array) -> Array:
    """Of how many pieces each shape is, int [N]; voxels that share a face hang together. 0 of an empty grid."""
    return np.array([ndimage.label(each)[1] for each in voxels])


def largest(voxels: Array) -> Array:
    """Each shape without all but its largest piece, the first of equal ones: what Wu et al. 2016 show (appendix A.1)."""
    return np.stack([_largest(each) for each in voxels])


def _largest(voxels: Array) -> Array:
    labels, count = ndimage.label(voxels)
    return voxels if count < 2 else labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def symmetry(voxels: Array, axis: int = -1) -> Array:
    """How far each shape is its own reflection along an axis: intersection over union of both, [N] in [0, 1]; 1 of an empty one."""
    return overlap(voxels, np.flip(voxels, axis))


def overlap(a: Array, b: Array) -> Array:
    """Intersection over union of shapes, [N] in [0, 1]; 1 of two empty ones."""
    axes = (1, 2, 3)
    union = np.sum(a | b, axis=axes)
    return np.where(union == 0, 1.0, np.sum(a & b, axis=axes) / np.maximum(union, 1))
