"""A trained run as something to explore: what it draws of genomes, and what can be changed in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from gan_jax.data.classes import listed
from gan_jax.explorer import genes
from gan_jax.explorer.breeding import NORMALISED
from gan_jax.explorer.genome import LARGEST, Genome
from gan_jax.latents.model import Classifier
from gan_jax.pictures.grids import to_pixels
from gan_jax.randomness import example_keys
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Condition
from gan_jax.runs import drawing
from gan_jax.runs.restore import TrainedRun

AT_ONCE = 16  # images drawn in one call, so that one program is compiled


@dataclass(frozen=True)
class Subject:
    """Fields: run; classifier: of what it draws, None if there is none. Raises ValueError for a run that cannot be explored."""

    run: TrainedRun
    classifier: Classifier | None = None

    def __post_init__(self):
        if self.run.sampler.prior not in NORMALISED:
            known = " or ".join(NORMALISED)
            raise ValueError(f"{self.run.workdir}: a run of {self.run.experiment} draws latents otherwise than {known}")
        shape = self.run.latent_shape
        if len(shape) != 1 or shape[0] > LARGEST:
            raise ValueError(f"{self.run.workdir}: latents of the shape {shape} cannot be explored")

    @cached_property
    def size(self) -> int:
        """How many numbers a latent has."""
        return self.run.latent_shape[0]

    @property
    def takes(self) -> str:
        """What it draws of, in words."""
        asked = f" and {len(self.classes)} classes ({listed(self.classes)})" if self.classes else ""
        return f"{self.size} {self.run.sampler.prior} numbers{asked}"

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Those that can be asked for; none if it cannot be asked."""
        return tuple(self.run.spec.classes) if self.run.sampler.takes("label") else ()

    def samples(self, seed: int, count: int, label: int | None, truncation: float | None) -> list[Genome]:
        """The first samples of a seed, as `python -m gan_jax sample` draws them. Args: label: None draws them by frequency."""
        keys = example_keys(jax.random.key(seed), count)
        latents = np.asarray(self.run.sampler.latents(keys, count, truncation), np.float32)
        condition = self.run.conditions(keys, None if label is None else [label])
        labels = [None] * count if condition is None else np.asarray(condition["label"]).tolist()
        return [Genome(latent, label) for latent, label in zip(latents, labels, strict=True)]

    def draw(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Their images, uint8 [n, H, W, C]. Raises ValueError if one is not finite."""

        def draw(rows: np.ndarray) -> jax.Array:
            latents, condition = _columns([genomes[row] for row in rows])
            return self._generate(self.run.state, latents, condition)

        drawn = drawing.chunks(len(genomes), draw, AT_ONCE)
        return to_pixels(self.run.kind.pictures(np.concatenate(list(drawing.require_finite(drawn)))))

    @cached_property
    def _generate(self):
        return jax.jit(self.run.sampler.generate)

    @cached_property
    def genes(self) -> list[genes.Gene]:
        """Its directions, principal ones first; then, where a classifier tells classes that cannot be asked for, those."""
        drawn = self.samples(0, genes.DRAWN, None, None)
        latents, condition = _columns(drawn)
        sampler, state = self.run.sampler, self.run.state

        def features(latents: jax.Array, condition: Condition | None) -> jax.Array:
            if sampler.styles is not None:
                return sampler.styles.of(state, latents, condition)[:, 0]  # as GANSpace has StyleGAN's, section 2.1
            return genes.first_features(lambda latents: sampler.generate(state, latents, condition))(latents)

        found = genes.principal(latents, np.asarray(jax.jit(features)(latents, condition)))
        if self.classifier is not None and not self.classes:
            images = to_unit_range(self.draw(drawn))
            found += genes.of_classes(latents, self.classifier.classify(images), self.classifier.classes)
        return found


def _columns(genomes: Sequence[Genome]) -> tuple[np.ndarray, Condition | None]:
    """The latents [n, d], and what is asked for."""
    labels = [genome.label for genome in genomes]
    condition = None if labels[0] is None else {"label": np.array(labels, np.int32)}
    return np.stack([genome.latent for genome in genomes]), condition
