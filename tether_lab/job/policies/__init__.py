"""What may be asked of a job, one value a file. Pure: no clock, no database, no randomness of its own."""

from .constraints import Constraints
from .cron import Cron
from .dedup import Dedup
from .limits import Concurrency, RateLimit
from .notify import Notify
from .retry import RetryPolicy
from .timeout import Timeout
from .window import TimeWindow

__all__ = ["Concurrency", "Constraints", "Cron", "Dedup", "Notify", "RateLimit", "RetryPolicy", "TimeWindow",
           "Timeout"]
