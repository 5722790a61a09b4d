"""All that can be asked of runs that are explored: one method for each thing, from what a request holds to what is answered."""

import base64
import io
import shlex
import threading
from collections.abc import Mapping, Sequence
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from PIL import UnidentifiedImageError

from gan_jax.data import pixels
from gan_jax.explorer import asked, breeding
from gan_jax.explorer.genome import LARGEST, Genome, parse, to_text
from gan_jax.explorer.inverting import Inverting
from gan_jax.explorer.lineage import HOW, Lineage
from gan_jax.explorer.subject import Subject
from gan_jax.latents import paths
from gan_jax.latents.interpolation import PATHS, usual_path
from gan_jax.latents.paths import SearchConfig
from gan_jax.pictures import animations, grids
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs.models import open_model

MOST = 64  # images in an answer
DRAWN = 1024  # of which the nearest to an image are where its inversion starts
SEEDS = 2**31 - 1
FAR = 5.0  # standard deviations of a gene either way
PIXELS = 16_000_000  # of an image that is sent
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # none of which Pillow opens by another program
BETWEEN = 8  # frames of an animation from one favourite to the next
FRAME = 80  # milliseconds


class Session:
    """Runs that are explored together, the first being the one whose latents are changed; and the lineage of what was seen."""

    def __init__(self, subjects: Sequence[Subject], lineage: Lineage):
        """Raises ValueError if the runs do not draw of the same latents and labels, or the lineage is of others."""
        self.subjects, self.lineage = subjects, lineage
        first = subjects[0]
        for other in subjects[1:]:
            if (other.takes, other.classes) != (first.takes, first.classes):
                said = f"{other.run.workdir} draws of {other.takes}, {first.run.workdir} of {first.takes}"
                raise ValueError(f"{said}: only runs of the same can be seen beside each other")
        self._first, self._inverting, self._begun = first, None, 0
        self._lock, self._decoding = threading.Lock(), threading.Lock()
        self._model = cache(partial(open_model, first.run))  # of one label, compiled but once
        for entry in lineage.entries.values():
            try:
                self._genome(entry._asdict())
            except ValueError as error:
                raise ValueError(f"{lineage.path} is of another run: entry {entry.id}: {error}") from error

    def described(self, given: Mapping) -> dict:
        """What the page needs to know of the runs."""
        first, runs = self._first, [each.run for each in self.subjects]
        return {
            "runs": [dict(name=run.workdir.name, experiment=run.experiment, rounds=run.step) for run in runs],
            "classes": list(first.classes),
            "genes": [gene.name for gene in first.genes],
            "far": FAR,
            "truncates": first.run.sampler.prior == "normal" and first.run.sampler.styles is None,
        }

    def samples(self, given: Mapping) -> dict:
        """Samples of a seed."""
        count, seed = asked.whole(given, "count", 1, MOST), asked.whole(given, "seed", 0, SEEDS)
        label = self._label(given)
        truncation = None if given.get("truncation") is None else asked.number(given, "truncation", 0.05, 10)
        return self._answer(self._first.samples(seed, count, label, truncation))

    def children(self, given: Mapping) -> dict:
        """Near ones of a genome."""
        parent, count = self._genome(given), asked.whole(given, "count", 1, MOST)
        distance, seed = asked.number(given, "distance", 0, 1), asked.whole(given, "seed", 0, SEEDS)
        found = breeding.children(jnp.asarray(parent.latent), jax.random.key(seed), count, distance, self._prior)
        return self._answer([parent._replace(latent=latent) for latent in np.asarray(found)])

    def cross(self, given: Mapping) -> dict:
        """Crosses of two genomes; each has the label of one of them."""
        first, second = self._genome(given, "first"), self._genome(given, "second")
        count, seed = asked.whole(given, "count", 1, MOST), asked.whole(given, "seed", 0, SEEDS)
        found = breeding.crossed(jnp.asarray(first.latent), jnp.asarray(second.latent), jax.random.key(seed), count)
        labels = [first.label, second.label]
        return self._answer([Genome(latent, labels[i % 2]) for i, latent in enumerate(np.asarray(found))])

    def move(self, given: Mapping) -> dict:
        """A genome moved along genes: amounts, of all genes in turn."""
        parent, amounts = self._genome(given), asked.several(given, "amounts", len(self._first.genes))
        values = [asked.number({"amounts": each}, "amounts", -FAR, FAR) for each in amounts]
        latent = parent.latent
        if any(values):
            directions = np.stack([gene.direction for gene in self._first.genes[: len(values)]])
            latent = np.asarray(breeding.moved(jnp.asarray(latent), directions, np.float32(values), self._prior))
        return self._answer([Genome(latent, self._label(given) if "label" in given else parent.label)])

    def draw(self, given: Mapping) -> dict:
        """Genomes, as they are."""
        texts = asked.several(given, "genomes", MOST, least=1)
        return self._answer([self._genome({"genome": each}) for each in texts])

    def visit(self, given: Mapping) -> dict:
        """Remembers an image in the lineage: the number of its entry."""
        genome, how = self._genome(given), asked.text(given, "how", max(map(len, HOW)))
        parents = [asked.whole({"parents": each}, "parents", 0, SEEDS) for each in asked.several(given, "parents", 2)]
        entry = self.lineage.add(to_text(genome), how, parents)
        return {"id": entry.id} | self.acts(given)

    def like(self, given: Mapping) -> dict:
        """Makes an entry a favourite, or no more."""
        liked = given.get("liked")
        if not isinstance(liked, bool):
            raise ValueError("liked: must be true or false")
        self.lineage.like(asked.whole(given, "id", 0, SEEDS), liked)
        return self.acts(given)

    def undo(self, given: Mapping) -> dict:
        """Takes the last entry of the lineage away, if there is one."""
        self.lineage.undo()
        return self.acts(given)

    def acts(self, given: Mapping) -> dict:
        """What was done to the lineage, by whomever, after the first acts, of which who asks knows so many."""
        known, acts = asked.whole(given, "known", 0, SEEDS, default=0), self.lineage.acts
        if known > len(acts):
            raise ValueError("this is another lineage than before; load the page again")
        return {"known": known, "acts": acts[known:]}

    def invert(self, body: bytes, given: Mapping) -> dict:
        """Begins to look for the genome of an image file; another that is looked for is given up."""
        first = self._first
        (height, width, channels), own = first.run.spec.image_shape, first.run.config.data
        decoding = pixels.Decoding((height, width), own.crop, own.white_level, PIXELS, FORMATS)
        with self._decoding:  # one at a time, as each may take a lot of memory
            try:
                target = pixels.decode(io.BytesIO(body), channels=channels, decoding=decoding)
            except UnidentifiedImageError as error:
                raise ValueError(f"this cannot be read as an image; {', '.join(FORMATS)} can") from error
            except Exception as error:  # each of Pillow's decoders has exceptions of its own
                raise ValueError(f"this cannot be read as an image: {error}") from error
        label = self._label(given)
        if label is None and first.classes:
            raise ValueError("label: name the class that is to be drawn")
        model = self._model(None if label is None else first.classes[label])
        search, wanted = SearchConfig(drawn=DRAWN), to_unit_range(target)
        with self._lock:
            if self._inverting is not None:
                self._inverting[0].cancel()
            nearing = partial(paths.nearing, model, wanted, search)
            self._inverting, self._begun = (Inverting(nearing, search.descent_steps), label), self._begun + 1
        return self.inverting({})

    def inverting(self, given: Mapping) -> dict:
        """How far that is, with the nearest image so far; its number tells another search from this one."""
        found, number = self._inverting, self._begun
        if found is None:
            return {"number": number, "step": 0, "steps": 0, "done": True}
        job, label = found
        progress = job.progress
        shown = {name: value for name, value in progress._asdict().items() if name != "latent"} | {"number": number}
        if progress.latent is not None:
            shown |= self._answer([Genome(progress.latent, label)])
        return shown

    def cancel(self, given: Mapping) -> dict:
        """Gives it up."""
        with self._lock:
            if self._inverting is not None:
                self._inverting[0].cancel()
                self._inverting, self._begun = None, self._begun + 1
        return self.inverting({})

    def png(self, given: Mapping) -> tuple[bytes, str, str]:
        """A file of one image."""
        (image,) = self._first.draw([self._genome(given)])
        return grids.png(grids.to_picture(image)), "image/png", "image.png"

    def npy(self, given: Mapping) -> tuple[bytes, str, str]:
        """A file of one latent, float32 [1, d]."""
        buffer = io.BytesIO()
        np.save(buffer, self._genome(given).latent[None])
        return buffer.getvalue(), "application/octet-stream", "latent.npy"

    def gif(self, given: Mapping) -> tuple[bytes, str, str]:
        """A film through all favourites, and back to the first."""
        entries = self.lineage.liked()
        if len(entries) < 2:
            raise ValueError("a film needs two favourites or more")
        stops = [self._genome({"genome": entry.genome}) for entry in entries[:MOST]]
        path = PATHS[usual_path(self._prior)]
        frames = []
        for one, other in zip(stops, stops[1:] + stops[:1], strict=True):
            latents = path(one.latent, other.latent, np.linspace(0, 1, BETWEEN, endpoint=False))
            frames += [Genome(np.float32(latent), one.label) for latent in latents]
        pictures = [grids.to_picture(image) for image in self._first.draw(frames)]
        return animations.gif(pictures, [FRAME] * len(pictures)), "image/gif", "favourites.gif"

    @property
    def _prior(self) -> str:
        return self._first.run.sampler.prior

    def _genome(self, given: Mapping, name: str = "genome") -> Genome:
        return parse(asked.text(given, name, 6 * LARGEST), self._first.size, len(self._first.classes))

    def _label(self, given: Mapping) -> int | None:
        """The number of a class that is asked for; None where it is left open or there is none to ask for."""
        if not self._first.classes or given.get("label") in (None, ""):
            return None
        return asked.whole(given, "label", 0, len(self._first.classes) - 1)

    def _answer(self, genomes: Sequence[Genome]) -> dict:
        drawn = [subject.draw(genomes) for subject in self.subjects]
        command = lambda genome: shlex.join(
            ["python", "-m", "gan_jax", "sample", f"--workdir={self._first.run.workdir}", "--latents=latent.npy"]
            + ([] if genome.label is None else [f"--label={self._first.classes[genome.label]}"])
        )
        return {
            "images": [
                {
                    "genome": to_text(genome),
                    "label": None if genome.label is None else self._first.classes[genome.label],
                    "shown": [data_url(images[i]) for images in drawn],
                    "command": command(genome),
                }
                for i, genome in enumerate(genomes)
            ]
        }


def data_url(image: np.ndarray) -> str:
    """An image uint8 [H, W, C] as an address that holds its PNG file."""
    return f"data:image/png;base64,{base64.b64encode(grids.png(grids.to_picture(image))).decode()}"
