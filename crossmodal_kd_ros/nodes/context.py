# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How every process of this package joins the ROS graph, and what keeps it from that."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import rclpy
from rclpy.context import Context
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.signals import SignalHandlerOptions

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes.transport import LAST_DOMAIN_ID, is_domain_id

# A word in what rcl says, and what to do about it.
_REMEDIES = {
    'logging': ': ROS writes logs into ~/.ros: set HOME, or ROS_LOG_DIR to a folder that can be '
    'written'
}
# Where in its own source something went wrong.
_PLACE = re.compile(r', at \S+:\d+')


def init(
    args: Sequence[str] = (), *, context: Context | None = None, domain_id: int | None = None
) -> None:
    """Initialise rclpy in `context`, by default the global one.

    It gets no signal handlers: rclpy's invalidate the context while threads still publish.

    Args:
        args: command line, with what stands behind `--ros-args`.
        context: see above.
        domain_id: by default what ROS_DOMAIN_ID says.

    Raises:
        ConfigurationError: the environment or an argument cannot be used.
    """
    said = os.environ.get('ROS_DOMAIN_ID', '')
    if domain_id is None and said and not is_domain_id(said):
        raise ConfigurationError(
            f'expected a number from 0 to {LAST_DOMAIN_ID} as ROS_DOMAIN_ID, got {said!r}: '
            'set another, or unset it for 0'
        )
    try:
        rclpy.init(
            args=list(args),
            context=context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except Exception as error:  # noqa: BLE001  rcl and rclpy have no common class
        what = _PLACE.sub('', ' '.join(str(error).splitlines()[0].split()))
        remedy = next((text for word, text in _REMEDIES.items() if word in what), '')
        raise ConfigurationError(f'{what}{remedy}') from error


@contextmanager
def own_parameters_of_ros() -> Iterator[None]:
    """Refuse a value of a parameter that rclpy declares by itself while it makes a node.

    Each of them, such as `use_sim_time`, is true or false.

    Raises:
        ConfigurationError: a value is of another type.
    """
    try:
        yield
    except InvalidParameterTypeException as error:
        what, _, name = str(error).rpartition(': ')
        raise ConfigurationError(
            f'expected the parameter {name} to be true or false, without quotes, got another '
            f'type: {what}'
        ) from error
