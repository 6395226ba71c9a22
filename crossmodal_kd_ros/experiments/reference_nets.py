# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's own nets, changed only where they could not run, so that every improvement on them has its number.

Layers, sizes and names are the article's. The repairs:

1. `MultiModalTeacher`: the attention is told that keys and values are `tactile_dim` wide. The article's asks for 128
   where 512 is expected and raises at the first call. It still has a single key, so its weights
   are exactly 1 and its
   query learns nothing: that is the article's idea, and it stays.
2. `MultiModalTeacher` and `VisionOnlyStudent`: a `classifier`, one linear layer from the embedding to the actions. The
   article's loops call it and neither net has it.

Inputs and predictions are in the contract's units, not standardised, as in the article.
"""

import torch
from torch import Tensor, nn

from crossmodal_kd_ros.contract import ACTIONS, NUM_GAS, NUM_TAXELS


class MultiModalTeacher(nn.Module):
    """The article's teacher: one vector for each sense, attention of vision over touch, concatenation."""

    def __init__(
        self, vision_dim: int = 512, tactile_dim: int = 128, chemical_dim: int = 64
    ) -> None:
        """Make the article's layers, attention of matching widths (repair 1) and a classifier (repair 2)."""
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
            nn.Linear(NUM_TAXELS, 256), nn.ReLU(), nn.Linear(256, tactile_dim)
        )
        self.chemical_encoder = nn.Sequential(
            nn.Linear(NUM_GAS, 32), nn.ReLU(), nn.Linear(32, chemical_dim)
        )
        self.cross_attention = nn.MultiheadAttention(
            embed_dim=vision_dim, num_heads=8, kdim=tactile_dim, vdim=tactile_dim, batch_first=True
        )
        self.fusion = nn.Sequential(
            nn.Linear(vision_dim + tactile_dim + chemical_dim, 1024),
            nn.ReLU(),
            nn.Linear(1024, 512),
        )
        self.classifier = nn.Linear(512, len(ACTIONS))

    def forward(self, vision: Tensor, tactile: Tensor, chemical: Tensor) -> Tensor:
        """Return features `float32[B, 512]` of an image `[B, 3, S, S]` (0 to 1), touch `[B, 256]` and gas `[B, 8]`."""
        v = self.vision_encoder(vision)
        t = self.tactile_encoder(tactile)
        c = self.chemical_encoder(chemical)
        v_attended, _ = self.cross_attention(v.unsqueeze(1), t.unsqueeze(1), t.unsqueeze(1))
        return self.fusion(torch.cat([v_attended.squeeze(1), t, c], dim=1))


class VisionOnlyStudent(nn.Module):
    """The article's student: two convolutions, one pooled vector, and heads for touch and gas."""

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
            nn.Linear(teacher_embedding_dim, 128), nn.ReLU(), nn.Linear(128, NUM_TAXELS)
        )
        self.chemical_head = nn.Sequential(
            nn.Linear(teacher_embedding_dim, 32), nn.ReLU(), nn.Linear(32, NUM_GAS)
        )
        self.classifier = nn.Linear(teacher_embedding_dim, len(ACTIONS))

    def forward(self, vision: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features `[B, 512]`, touch `[B, 256]` and gas `[B, 8]` of an image `[B, 3, S, S]` (0 to 1)."""
        features = self.vision_encoder(vision)
        return features, self.tactile_head(features), self.chemical_head(features)
