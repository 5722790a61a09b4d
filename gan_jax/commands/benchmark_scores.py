"""what the scores of many features take: seconds and memory, of random features as large as Inception's

python -m gan_jax benchmark_scores --scored=10000
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax.benchmarks import scores
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option


@dataclass(frozen=True)
class Options:
    """How many features are scored."""

    GROUP: ClassVar[str] = "what is timed"
    scored: int = option(10000, "Features of each of the two sets.", low=10)


def main(parsed: Parsed) -> None:
    """Prints the report."""
    scores.report(parsed.config.scored)
