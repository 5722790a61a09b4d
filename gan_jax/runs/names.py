"""The name of a run's directory: what is run, and what differs from the experiment's default."""

import hashlib
import re
from collections.abc import Mapping

from gan_jax.config.given import given
from gan_jax.config.options import flat, options
from gan_jax.runs.experiment import Experiment

LONGEST = 80  # characters of what differs; the rest of it is a hash
SUBJECTS = ("dataset", "mixture")  # options whose value alone says what is learnt
DOMAINS = ("domain_a", "domain_b")  # and two that do so together


def subject(values: Mapping[str, object]) -> str | None:
    """What a run of these options learns; None where no option says it."""
    named = next((values[name] for name in SUBJECTS if values.get(name)), None)
    domains = [values.get(name) for name in DOMAINS]
    return " and ".join(domains) if named is None and all(domains) else named


def default_name(experiment: Experiment, config: object) -> str:
    """runs/EXPERIMENT-SUBJECT-FLAG=VALUE-...-seedN, as in runs/dcgan-digits-network=mlp-seed0.

    The flags are those whose values differ from the experiment's default, but for those under which a run can be gone
    on with: so the same command finds its run again, with more --steps too. Of many flags the last become a hash.

    Args: config: as it was given, before anything else is filled in.
    """
    values = flat(config)
    resumable = {each.name for each in options(config) if each.resumable}
    differing = given(experiment.default_of(config), config).items()
    parts = [f"{name}={text}" for name, text in differing if name not in {*resumable, *SUBJECTS, *DOMAINS, "seed"}]
    named = [experiment.name, *filter(None, [subject(values)]), *_shortened(parts), f"seed{values['seed']}"]
    return "runs/" + re.sub(r"[^\w.,=+-]+", "_", "-".join(named))


def _shortened(parts: list[str]) -> list[str]:
    """The parts, or the first of them and a hash of all."""
    if len("-".join(parts)) <= LONGEST:
        return parts
    kept: list[str] = []
    for part in parts:
        if len("-".join([*kept, part])) > LONGEST - 9:
            break
        kept.append(part)
    return [*kept, hashlib.sha256("-".join(parts).encode()).hexdigest()[:8]]
