"""What may be asked of a job, one value a file. Pure: no clock, no database, no randomness of its own."""

from .cron import Cron
from .dedup import Dedup
from .limits import Concurrency, RateLimit
from .retry import RetryPolicy
from .timeout import Timeout

__all__ = ["Concurrency", "Cron", "Dedup", "RateLimit", "RetryPolicy", "Timeout"]
