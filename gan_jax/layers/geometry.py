"""The sizes of a convolution and of its derivatives, which are known before it runs."""

from typing import NamedTuple

WIDE = 7  # pixels a side of a kernel from which on blocks of pixels pay on a CPU: a third of the time, with the channels of images


class Geometry(NamedTuple):
    """The static sizes, one number per spatial axis: the image's side, the kernel's, the stride; and whether the padding is SAME.

    Without padding the strides divide what is left of the image's sides beside the kernel.
    """

    image: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    same: bool = True

    @property
    def output(self) -> tuple[int, int]:
        """The feature map's sides, ⌈image/stride⌉; without padding (image - kernel) / stride + 1."""
        if not self.same:
            return tuple((side - kernel) // s + 1 for side, kernel, s in zip(self.image, self.kernel, self.strides))
        return tuple(-(-side // stride) for side, stride in zip(self.image, self.strides))

    @property
    def padding(self) -> list[tuple[int, int]]:
        """SAME: zeros before and after the image; an odd one goes after."""
        spans = [(out - 1) * s + k for out, s, k in zip(self.output, self.strides, self.kernel)]
        totals = [max(span - side, 0) for span, side in zip(spans, self.image)]
        return [(total // 2, total - total // 2) for total in totals]

    @property
    def taps(self) -> tuple[int, int]:
        """How many strides the kernel spans, ⌈kernel/stride⌉."""
        return tuple(-(-side // stride) for side, stride in zip(self.kernel, self.strides))

    @property
    def interleaves(self) -> bool:
        """Whether the image falls into phases, one for each offset within a stride, each with taps of its own."""
        return self.strides != (1, 1) and all(k >= s for k, s in zip(self.kernel, self.strides))

    @property
    def in_blocks(self) -> "Geometry | None":
        """Of the same convolution of blocks of 2 × 2 pixels (`blocks`); None where the kernel is narrow, or a side odd."""
        sides = list(zip(self.kernel, self.image))
        if self.same or min(self.kernel) < WIDE or any(kernel % 2 == 0 or side % 2 for kernel, side in sides):
            return None
        kernel, image = (tuple((side + 1) // 2 for side in sides) for sides in (self.kernel, self.image))
        return Geometry(image, kernel, (1, 1), same=False)

    @property
    def transposed_padding(self) -> list[tuple[int, int]]:
        """What the dilated feature map is padded with, so that convolving it gives the image's size again."""
        befores = [k - 1 - before for k, (before, _) in zip(self.kernel, self.padding)]
        dilated = [(out - 1) * s + 1 for out, s in zip(self.output, self.strides)]
        return [
            (before, side + k - 1 - size - before)
            for before, side, k, size in zip(befores, self.image, self.kernel, dilated)
        ]

    @property
    def kernel_padding(self) -> list[tuple[int, int]]:
        """What the image is padded with, so that sliding the dilated feature map over it gives the kernel's size."""
        dilated = [(out - 1) * s + 1 for out, s in zip(self.output, self.strides)]
        return [
            (before, k - 1 + size - side - before)
            for k, size, side, (before, _) in zip(self.kernel, dilated, self.image, self.padding)
        ]
