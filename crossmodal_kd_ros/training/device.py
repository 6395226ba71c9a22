# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a training runs: device, precision, and which of how many processes."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

import torch
from torch import distributed

from crossmodal_kd_ros.networks import find_device


@dataclass(frozen=True, kw_only=True)
class Device:
    """Where one process of a training runs.

    Attributes:
        torch_device: of networks and batches.
        bf16: compute forward passes in bfloat16. On a CPU it helps one with `avx512_bf16`: a step
            on one thread takes 0.65 to 0.8 of the time. Several threads of one process wait for
            each other in a loop; where other programs run a step takes four times as long.
        rank, world: which process of how many; `torchrun` decides.
    """

    torch_device: torch.device = field(default_factory=lambda: torch.device('cpu'))
    bf16: bool = False
    rank: int = 0
    world: int = 1

    @classmethod
    def find(cls, device: str = 'auto', *, bf16: bool = False) -> 'Device':
        """Choose a device and, if `torchrun` started this process, meet the others.

        Args:
            device: `auto` (a GPU if there is one, else the CPU) or a torch device such as `cpu`,
                `cuda:1`, `mps`.
            bf16: see above.

        Raises:
            DeviceError: torch has no such device here.
        """
        world = int(os.environ.get('WORLD_SIZE', '1'))
        chosen = _device(device, int(os.environ.get('LOCAL_RANK', '0')))
        if world == 1:
            return cls(torch_device=chosen, bf16=bf16)
        if not distributed.is_initialized():
            # An hour: the others wait while the first simulates and validates.
            distributed.init_process_group(
                'nccl' if chosen.type == 'cuda' else 'gloo', timeout=timedelta(hours=1)
            )
        return cls(torch_device=chosen, bf16=bf16, rank=distributed.get_rank(), world=world)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        if self.world > 1:
            distributed.barrier()

    def from_first(self, value: object) -> object:
        """Return what the first process gave."""
        if self.world == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def from_all(self, value: object) -> list:
        """Return what each process gave."""
        if self.world == 1:
            return [value]
        values = [None] * self.world
        distributed.all_gather_object(values, value)
        return values

    def leave(self) -> None:
        """Leave the group of processes."""
        if self.world > 1:
            distributed.destroy_process_group()


def _device(name: str, local_rank: int) -> torch.device:
    if name == 'auto':
        if torch.cuda.is_available():
            return torch.device('cuda', local_rank % torch.cuda.device_count())
        return torch.device('mps' if torch.backends.mps.is_available() else 'cpu')
    return find_device(name)
