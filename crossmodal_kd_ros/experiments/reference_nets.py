# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's own nets, changed only where they could not run.

They give every improvement on them its number. Layers, sizes and names are the article's; they are
of the living wall's profile alone. The repairs:

1. `MultiModalTeacher`: keys and values of the attention are `tactile_dim` wide. The article's asks
   for 128 where 512 is expected and raises at the first call. It still has a single key, so its
   weights are exactly 1 and its query learns nothing: that is the article's idea, and it stays.
2. `MultiModalTeacher` and `VisionOnlyStudent`: a `classifier`, one linear layer from the embedding
   to the actions. The article's loops call it and neither net has it.

Inputs and predictions are in the units of the profile, not standardised, as in the article.
"""

import torch
from torch import Tensor, nn

from crossmodal_kd_ros.profile import load_profile

_PROFILE = load_profile('living_wall')
# The article's senses, in the order of the profile.
TACTILE, CHEMICAL = _PROFILE.senses
_TACTILE_SIZE, _CHEMICAL_SIZE = (sense.size for sense in _PROFILE.senses.values())
_NUM_ACTIONS = len(_PROFILE.actions)


class MultiModalTeacher(nn.Module):
    """The article's teacher: a vector a sense, attention of vision over tactile, concatenation."""

    def __init__(
        self, vision_dim: int = 512, tactile_dim: int = 128, chemical_dim: int = 64
    ) -> None:
        """Make the article's layers, with repairs 1 and 2."""
        super().__init__()
        self.vision_encoder = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=2),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Flatten(),
            nn.Linear(64, vision_dim),
        )
        self.tactile_encoder = nn.Sequential(
            nn.Linear(_TACTILE_SIZE, 256), nn.ReLU(), nn.Linear(256, tactile_dim)
        )
        self.chemical_encoder = nn.Sequential(
            nn.Linear(_CHEMICAL_SIZE, 32), nn.ReLU(), nn.Linear(32, chemical_dim)
        )
        self.cross_attention = nn.MultiheadAttention(
            embed_dim=vision_dim, num_heads=8, kdim=tactile_dim, vdim=tactile_dim, batch_first=True
        )
        self.fusion = nn.Sequential(
            nn.Linear(vision_dim + tactile_dim + chemical_dim, 1024),
            nn.ReLU(),
            nn.Linear(1024, 512),
        )
        self.classifier = nn.Linear(512, _NUM_ACTIONS)

    def forward(self, vision: Tensor, tactile: Tensor, chemical: Tensor) -> Tensor:
        """Return features `float32[B, 512]`.

        Args:
            vision: `float32[B, 3, S, S]`, 0 to 1.
            tactile: `float32[B, 256]`.
            chemical: `float32[B, 8]`.
        """
        v = self.vision_encoder(vision)
        t = self.tactile_encoder(tactile)
        c = self.chemical_encoder(chemical)
        v_attended, _ = self.cross_attention(v.unsqueeze(1), t.unsqueeze(1), t.unsqueeze(1))
        return self.fusion(torch.cat([v_attended.squeeze(1), t, c], dim=1))


class VisionOnlyStudent(nn.Module):
    """The article's student: two convolutions, one pooled vector, and a head for each sense."""

    def __init__(self, teacher_embedding_dim: int = 512) -> None:
        """Make the article's layers and a classifier (repair 2)."""
        super().__init__()
        self.vision_encoder = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=5, stride=2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, stride=2),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Flatten(),
            nn.Linear(64, teacher_embedding_dim),
        )
        self.tactile_head = nn.Sequential(
            nn.Linear(teacher_embedding_dim, 128), nn.ReLU(), nn.Linear(128, _TACTILE_SIZE)
        )
        self.chemical_head = nn.Sequential(
            nn.Linear(teacher_embedding_dim, 32), nn.ReLU(), nn.Linear(32, _CHEMICAL_SIZE)
        )
        self.classifier = nn.Linear(teacher_embedding_dim, _NUM_ACTIONS)

    def forward(self, vision: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features `[B, 512]`, tactile `[B, 256]` and chemical `[B, 8]` readings.

        `vision` is an image `float32[B, 3, S, S]`, 0 to 1.
        """
        features = self.vision_encoder(vision)
        return features, self.tactile_head(features), self.chemical_head(features)
