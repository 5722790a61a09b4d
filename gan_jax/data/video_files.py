"""videos:PATH: animations (GIF, APNG, WebP) and folders of frames, or an array of many, as Moving MNIST's test set is stored."""

import re
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from tqdm import tqdm

from gan_jax.data import examined, folder_splits, image_paths, pixels
from gan_jax.data.fingerprint import of_arrays
from gan_jax.data.folder import labels_of
from gan_jax.data.pixels import AS_IT_IS, Decoding
from gan_jax.data.source import ArraySource, NoSplit

ENDINGS = {".gif", ".png", ".apng", ".webp"}
FRAMES = 16


def load(
    path: str,
    *,
    split: str,
    decoding: Decoding = AS_IT_IS,
    skip_broken: bool = False,
    frames: int | None = None,
    say=tqdm.write,
) -> ArraySource:
    """Videos uint8 [N, frames, H, W, C]; of longer ones the first `frames`, by default 16.

    A file .npy is many, [T, N, H, W] or [N, T, H, W] as Moving MNIST's (20, 10000, 64, 64), or with channels last. In a folder each
    animation is a video, and so is each folder that holds images and no folders, its frames in the order of their numbers; the
    first subfolders are classes unless they are videos themselves. Folders named train and test are splits.

    Args: decoding: its size is that of a frame; the others as of `folder.load`.
    Raises ValueError, FileNotFoundError or NoSplit, in one line.
    """
    whole, count = Path(path).expanduser(), frames or FRAMES
    if whole.is_file():
        arrays = {"video": _of_array(whole, split, count, decoding)}
        return ArraySource(arrays, (), of_arrays(arrays))
    image_paths.require_utf8(str(whole))
    if not whole.is_dir():
        raise FileNotFoundError(f"{whole}: no such file or folder")
    root = folder_splits.find(whole).of(split)
    found = _videos_below(root)
    if not found:
        raise FileNotFoundError(f"{root}: no videos; it may hold {', '.join(sorted(ENDINGS))}, or folders of frames")
    read = partial(_read, count=count, decoding=decoding)
    videos, broken = {}, []
    for name, files in tqdm(found.items(), desc="reading videos", delay=2):
        try:
            videos[name] = read(files)
        except Exception as error:  # each of Pillow's decoders has exceptions of its own
            broken.append((name, error))
    examined.leave_out(root, broken, len(found), "videos", skip_broken, say)
    shapes = {video.shape[1:3] for video in videos.values()}
    if len(shapes) > 1:
        raise ValueError(f"{root}: its videos are not all of one size; give image_size, such as 64")
    channels = 1 if all(_is_gray(video) for video in videos.values()) else 3
    stacked = np.stack([video[..., :channels] for video in videos.values()])
    labels, classes = labels_of(root, list(videos))
    arrays = {"video": stacked} | ({"label": labels} if classes else {})
    return ArraySource(arrays, classes, of_arrays(arrays))


def _of_array(path: Path, split: str, count: int, decoding: Decoding) -> np.ndarray:
    if split != "train":
        raise NoSplit(f"{path}: no test split; that takes folders named train and test")
    try:
        found = np.load(path, allow_pickle=False)
    except Exception as error:  # whatever the damage makes numpy raise
        raise ValueError(f"{path}: no array that numpy reads ({error})") from error
    if not isinstance(found, np.ndarray) or found.ndim not in (4, 5) or found.dtype != np.uint8:
        raise ValueError(f"{path}: must be uint8, [T, N, H, W] or [N, T, H, W], or with channels last")
    found = found[..., None] if found.ndim == 4 else found
    found = found.swapaxes(0, 1) if found.shape[0] < found.shape[1] else found
    if found.shape[-1] not in (1, 3) or found.shape[1] < count:
        raise ValueError(f"{path}: videos {list(found.shape[1:])}; frames={count} are wanted, in gray or RGB")
    found = found[:, :count]
    if decoding.size is not None:
        flat = found.reshape(-1, *found.shape[2:])
        found = pixels.resize(flat, decoding.size, decoding.crop).reshape(*found.shape[:2], *decoding.size, -1)
    return np.ascontiguousarray(found)


def _videos_below(root: Path) -> dict[str, list[Path]]:
    """The files of each video below a folder, by its path from there: an animation's one, or the frames of a folder, in order."""
    files = [Path(file) for file in image_paths.find(root).files]
    found: dict[str, list[Path]] = {}
    for file in files:
        if file.suffix.lower() in ENDINGS and _is_animated(root / file):
            found[str(file)] = [root / file]
        elif file.parent != Path():
            found.setdefault(str(file.parent), []).append(root / file)
    number = lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]
    return {name: sorted(each, key=number) for name, each in sorted(found.items())}


def _is_animated(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except Exception:  # it is said when it is read
        return True


def _read(files: list[Path], *, count: int, decoding: Decoding) -> np.ndarray:
    """The first `count` frames of a video, uint8 [count, H, W, 3]. Raises ValueError if there are fewer, or they differ in size."""
    if len(files) == 1:
        with pixels.opened(files[0], decoding.max_pixels) as image:
            frames = [frame.convert("RGB") for _, frame in zip(range(count), ImageSequence.Iterator(image))]
        if decoding.size is not None:
            frames = [pixels.fitted(frame, decoding.size, decoding.crop) for frame in frames]
        frames = [np.asarray(frame) for frame in frames]
    else:
        frames = [pixels.decode(file, channels=3, decoding=decoding) for file in files[:count]]
    if len(frames) < count:
        raise ValueError(f"{len(frames)} frames, fewer than frames={count}")
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError("its frames are not all of one size")
    return np.stack(frames)


def _is_gray(video: np.ndarray) -> bool:
    return bool((video[..., :1] == video).all())
