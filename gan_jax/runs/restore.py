"""A trained run as a model: everything is found in its directory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np

from gan_jax.config.options import require_known
from gan_jax.data import DataSpec, example_batch
from gan_jax.data.classes import class_numbers, listed
from gan_jax.pictures.grids import to_pixels
from gan_jax.pictures.kinds import KINDS, Kind
from gan_jax.randomness import Key, example_keys
from gan_jax.recipes.contract import Condition, Recipe, Sampler, State, Styles, Translator, phase_at
from gan_jax.runs import directory, drawing, training, translated
from gan_jax.runs.experiment import find
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.phases import template_at


@dataclass(frozen=True)
class TrainedRun:
    """A trained run.

    Fields:
      workdir: its directory.
      experiment: the name of its experiment.
      config: its configuration.
      spec: what it knows of its data.
      recipe: how its networks are used, of the phase that `state` is of.
      state: of one of its checkpoints.
    """

    workdir: Path
    experiment: str
    config: object
    spec: DataSpec
    recipe: Recipe
    state: State

    @property
    def step(self) -> int:
        """The rounds that it was trained for."""
        return int(self.state.step)

    def sample(
        self, num: int = 64, seed: int = 0, *, label: str | int | None = None, truncation: float | None = None
    ) -> np.ndarray:
        """Images uint8 [num, H, W, C], or what else it draws (`pictures.kinds`); image i depends on all but `num`.

        Args:
          label: of a class-conditional run: a class by name or number, or several, as in "1,4", in turn; by default
            they are drawn by the data's frequencies.
          truncation: latents are drawn from within ± it; of a run with styles as `truncated`.
        Raises ValueError if nothing can be drawn, or a label cannot be asked for, or an image is not finite.
        """
        labels = None if label is None else self.class_numbers(str(label))
        keys = example_keys(jax.random.key(seed), num)
        run, bound = self.truncated(truncation)
        drawn = drawing.draw_of(run.sampler, run.state, keys, self.conditions(keys, labels), bound)
        return np.concatenate([self.kind.levels(images) for images in drawing.require_finite(drawn)])

    def generate(self, latents: np.ndarray, *, label: str | int | None = None) -> np.ndarray:
        """Images [n, H, W, C] in [-1, 1] of latents [n, ...].

        Args: label: as of `sample`; a class-conditional run needs one.
        Raises ValueError as `sample`, and without a label where one is needed.
        """
        labels = None if label is None else self.class_numbers(str(label))
        if labels is None and self.sampler.takes("label"):
            raise ValueError(f"{self.workdir} draws what it is asked for: name a label, of {listed(self.spec.classes)}")
        condition = None if labels is None else {"label": np.resize(labels, len(latents))}
        drawn = drawing.generate(self.sampler, self.state, latents, condition)
        return np.concatenate(list(drawing.require_finite(drawn)))

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Logits [n, K] of the classes, of images [n, H, W, C]: uint8, or floats in [-1, 1]. Raises as `classifier`."""
        classify = jax.jit(self.classifier)
        return np.concatenate(list(drawing.chunks(len(images), lambda rows: classify(self.state, images[rows]))))

    def translate(
        self, examples: np.ndarray | Mapping[str, np.ndarray], seed: int = 0, *, translator: str | None = None
    ) -> np.ndarray:
        """Images uint8 [n, H, W, C] of others, uint8 [n, H, W, C], or of examples, by field: image, mask, labels, ...

        Args: seed: of the network's own noise, if it has any; translator: of several, by default the first.
        Raises ValueError if it does not translate, or has no such translator, or an image is not finite.
        """
        found = self.translators
        require_known("translator", name := translator or next(iter(found)), found)
        given = examples if isinstance(examples, Mapping) else {"image": examples}
        return to_pixels(translated.translate(found[name], self.state, given, jax.random.key(seed)))

    def standing(self, batches: int, truncation: float | None = None) -> "TrainedRun":
        """The run with the generator's batch statistics measured anew over so many batches of the run's size; 0: as it is.

        Args: truncation: of the latents that are drawn, as of those that are sampled then.
        Raises ValueError, in one line, if it draws nothing or has none.
        """
        if not batches:
            return self
        measure = self.sampler.standing
        try:
            if measure is None:
                raise ValueError("the generator has no batch statistics")
            state = measure(self.state, jax.random.key(0), batches, self.config.run.batch_size, truncation)
        except ValueError as error:
            said = f"{self.workdir} is a run of {self.experiment}: {error}"
            raise ValueError(f"standing_batches={batches}: {said}") from error
        return replace(self, state=state)

    def truncated(self, truncation: float | None, cutoff: int | None = None) -> tuple["TrainedRun", float | None]:
        """(The run, within what its latents are drawn). With styles it is the run that draws nearer to their mean, of all latents.

        Args:
          truncation: of latents the bound; of styles ψ, 0 for their mean, 1 for all as they are; None for none.
          cutoff: of styles, the number of layers, the coarse ones, that it is done to; by default all.
        Raises ValueError, in one line, for what this run does not have.
        """
        styles = self.sampler.styles
        if cutoff is not None:
            self.require_styles(f"cutoff={cutoff}: ")
            if truncation is None:
                raise ValueError(f"cutoff={cutoff}: needs a --truncation")
            if cutoff > (layers := self.styles_shape[0]):
                raise ValueError(f"cutoff={cutoff}: there are {layers} layers")
        if styles is None and truncation == 0:
            raise ValueError("truncation=0: must be above 0; only styles have a mean to draw")
        if styles is None or truncation is None:
            return self, truncation
        return replace(self, state=styles.truncated(self.state, truncation, cutoff)), None

    @property
    def sampler(self) -> Sampler:
        """How it draws images: its recipe's. Raises ValueError, in one line, if it does not."""
        if self.recipe.sampler is not None:
            return self.recipe.sampler
        others = [f"it translates ({', '.join(self.recipe.translators)})"] * bool(self.recipe.translators)
        others += ["it classifies"] * (self.recipe.classify is not None)
        able = f"; {' and '.join(others)}" if others else ""
        raise ValueError(f"{self.workdir} is a run of {self.experiment}, which draws nothing from noise{able}")

    def longer(self, frames: int) -> "TrainedRun":
        """The run that draws videos of so many frames. Raises ValueError, in one line, if it draws none, or but as it learnt."""
        if self.sampler.longer is None:
            raise ValueError(
                f"frames={frames}: {self.workdir} is a run of {self.experiment}, which does not draw longer videos"
            )
        return replace(self, recipe=self.recipe._replace(sampler=self.sampler.longer(frames)))

    @property
    def drawn_shape(self) -> tuple[int, ...]:
        """Of one thing that it draws. Raises as `sampler`."""
        return jax.eval_shape(lambda: self.sampler.sample(self.state, jax.random.key(0), 1)).shape[1:]

    @property
    def kind(self) -> Kind:
        """The kind of what it draws. Raises as `sampler`."""
        return KINDS[self.sampler.draws]

    @property
    def translators(self) -> Mapping[str, Translator]:
        """How it translates: its recipe's. Raises ValueError, in one line, if it does not."""
        if not self.recipe.translators:
            raise ValueError(
                f"{self.workdir} is a run of {self.experiment}, which does not translate; sample draws from it"
            )
        return self.recipe.translators

    @property
    def classifier(self) -> Callable[[State, jax.Array], jax.Array]:
        """How it classifies: its recipe's. Raises ValueError, in one line, if it does not."""
        if self.recipe.classify is None:
            raise ValueError(f"{self.workdir} is a run of {self.experiment}, which does not classify")
        return self.recipe.classify

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Of what an image is drawn of. Raises as `sampler`."""
        return jax.eval_shape(lambda key: self.sampler.latents(key, 1), jax.random.key(0)).shape[1:]

    def require_styles(self, asked: str = "", otherwise: str = "") -> Styles:
        """Its generator in two. Raises ValueError, in one line, if it is not: after what was asked, and before what there is."""
        if self.sampler.styles is None:
            raise ValueError(f"{asked}{self.workdir} is a run of {self.experiment}, without styles{otherwise}")
        return self.sampler.styles

    def styles(self, keys: Key, labels: Sequence[int] | None = None) -> jax.Array:
        """The ws [n, L, d] of the samples of keys [n]. Args: labels: as of `conditions`. Raises as `require_styles`."""
        latents = self.sampler.latents(keys, len(keys))
        return jax.jit(self.require_styles().of)(self.state, latents, self.conditions(keys, labels))

    @property
    def styles_shape(self) -> tuple[int, int]:
        """Of an image's ws: (L, d). Raises as `require_styles`."""
        return jax.eval_shape(lambda: self.styles(example_keys(jax.random.key(0), 1))).shape[1:]

    def class_numbers(self, labels: str) -> np.ndarray:
        """Labels, as in "7" or "1,4" or "0..9" or "cat", by their numbers, int32 [n].

        Raises ValueError if the run has no such, or cannot be asked for any.
        """
        if not self.sampler.takes("label"):
            raise ValueError(
                f"label={labels}: {self.workdir} is a run of {self.experiment}, which cannot be asked for a label"
            )
        return np.array(class_numbers("label", labels, self.spec.classes), np.int32)

    def conditions(self, keys: Key, labels: Sequence[int] | None = None) -> Condition | None:
        """What images of keys [n] are drawn for: labels in turn, or by the data's frequencies; None without any."""
        if labels is not None:
            return {"label": np.resize(np.asarray(labels, np.int32), len(keys))}
        return self.sampler.conditions(keys, len(keys))


def restore(workdir: str | Path, folder: str = "checkpoints") -> TrainedRun:
    """The run of a directory, with the newest state in one of its folders of checkpoints.

    Raises ValueError, in one line, if `workdir` is no directory of a run on images, or has no checkpoint there; OSError
    if they cannot be read.
    """
    content = directory.read_config(workdir)
    experiment = find(content["experiment"])
    spec = DataSpec.from_json(content["data"])
    image = spec.example.get("image")
    if image is not None and len(image.shape) != 3:
        raise ValueError(f"{workdir} is a run of {experiment.name}, which draws points; see its samples folder")
    config = directory.read_flags(workdir, content, experiment)
    phases = training.phases_of(experiment.make(config, spec), config)
    first = jax.eval_shape(phases[0].recipe.init, jax.random.key(0), example_batch(spec.example))
    with Checkpoints(Path(workdir) / folder, read_only=True) as checkpoints:
        state = checkpoints.restore(lambda step: template_at(phases, first, jax.random.key(0), step))
    if state is None:
        raise ValueError(f"{workdir} has no checkpoint yet in {folder}")
    recipe = phases[phase_at(phases, int(state.step))].recipe
    return TrainedRun(Path(workdir), experiment.name, config, spec, recipe, state)
