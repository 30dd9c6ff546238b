"""One router per noun."""

from .behaviors import router as behaviors
from .changes import router as changes
from .effects import router as effects
from .events import router as events
from .frontier import router as frontier
from .gate import router as gate
from .health import router as health
from .imports import router as imports
from .jobs import router as jobs
from .layers import router as layers
from .merging import router as merging
from .metrics import router as metrics
from .models import router as models
from .operations import router as operations
from .plans import router as plans
from .project import router as project
from .projects import router as projects
from .reality import router as reality
from .remote import router as remote
from .selection import router as selection
from .session import router as session
from .tensors import router as tensors
from .views import router as views
from .watches import router as watches

ROUTERS = (
    health,
    project,
    models,
    changes,
    metrics,
    selection,
    frontier,
    effects,
    behaviors,
    layers,
    tensors,
    reality,
    gate,
    jobs,
    plans,
    imports,
    merging,
    operations,
    events,
    views,
    remote,
    watches,
    session,
)

OF_MANY = (projects,)
"""Of a server for several projects, beside those of each."""

__all__ = ["OF_MANY", "ROUTERS"]
