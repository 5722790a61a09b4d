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

    @property
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
        drawn = [self._draw(genomes[first : first + AT_ONCE]) for first in range(0, len(genomes), AT_ONCE)]
        return to_pixels(np.concatenate(drawn))

    def _draw(self, genomes: Sequence[Genome]) -> np.ndarray:
        rows = np.arange(AT_ONCE) % len(genomes)
        latents = np.stack([genomes[row].latent for row in rows])
        condition = {"label": np.array([genomes[row].label for row in rows], np.int32)} if self.classes else None
        images = np.asarray(self._generate(self.run.state, latents, condition))[: len(genomes)]
        if not np.isfinite(images).all():
            raise ValueError("an image is not finite: the generator's weights are not")
        return images

    @cached_property
    def _generate(self):
        return jax.jit(self.run.sampler.generate)

    @cached_property
    def genes(self) -> list[genes.Gene]:
        """Its directions, principal ones first; then, where a classifier tells classes that cannot be asked for, those."""
        drawn = self.samples(0, genes.DRAWN, None, None)
        latents = np.stack([genome.latent for genome in drawn])
        labels = np.array([genome.label for genome in drawn], np.int32) if self.classes else None
        sampler, state = self.run.sampler, self.run.state

        def features(latents: jax.Array, labels: jax.Array | None) -> jax.Array:
            generate = lambda latents: sampler.generate(state, latents, None if labels is None else {"label": labels})
            return genes.first_features(generate)(latents)

        found = genes.principal(latents, np.asarray(jax.jit(features)(latents, labels)))
        if self.classifier is not None and not self.classes:
            images = self.draw(drawn).astype(np.float32) / 127.5 - 1
            found += genes.of_classes(latents, self.classifier.classify(images), self.classifier.classes)
        return found
