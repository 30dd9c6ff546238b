"""Operations on checkpoint folders, tensor by tensor, without loading a model."""

from .planning import FolderPlan as FolderPlan
from .run import Applied as Applied
from .run import apply as apply
from .run import plan as plan
