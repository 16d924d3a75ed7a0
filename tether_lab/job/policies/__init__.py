"""What may be asked of a job, one value a file. Pure: no clock, no database, no randomness of its own."""

from .dedup import Dedup
from .limits import Concurrency, RateLimit
from .retry import RetryPolicy
from .timeout import Timeout

__all__ = ["Concurrency", "Dedup", "RateLimit", "RetryPolicy", "Timeout"]
