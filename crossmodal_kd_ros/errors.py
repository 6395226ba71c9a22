# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one base of every error that this package explains to its user."""


class CrossmodalError(Exception):
    """Something cannot be used or done: one sentence on what was expected, what came, what to do.

    Commands print the sentence and end with exit code 1; a node logs it and refuses a transition.
    """


class ConfigurationError(CrossmodalError):
    """A parameter, an option or a file that a person wrote has a value that cannot be used."""


class WeightsError(CrossmodalError):
    """A weight file cannot be used."""


class ExportError(WeightsError):
    """What was exported from a weight file cannot be used."""


class DeviceError(ConfigurationError):
    """A network cannot run on the device that was chosen."""
