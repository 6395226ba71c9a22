# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What both nodes share: the lifecycle with `autostart`, refusals in one sentence, and an orderly end."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from crossmodal_kd_ros.memory import spare_heap
from crossmodal_kd_ros.nodes.parameters import (
    AUTOSTART,
    Refusal,
    Setting,
    check_overrides_used,
    declare,
)

try:
    # Kilted and later. Beside a 100 Hz tactile array it takes 3 % of a core, the other 13 %: it
    # keeps no list of everything that could happen. Its spin() burns a core, spin_once with a
    # limit does not.
    from rclpy.experimental import EventsExecutor as Executor
except ImportError:
    from rclpy.executors import SingleThreadedExecutor as Executor

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class ManagedNode(LifecycleNode):
    """A lifecycle node whose parts are four hooks: `configure`, `activate`, `deactivate`, `cleanup`.

    A hook that raises `Refusal` has its sentence logged and its transition refused. `deactivate`
    and `cleanup` follow each `activate` and `configure`, at the latest when the process ends.
    """

    def __init__(self, name: str, settings: Sequence[Setting]) -> None:
        """Declare `settings` and `autostart`; raise `Refusal` for a value from outside that is not allowed."""
        super().__init__(name)
        self._settings = {setting.name: setting for setting in (*settings, AUTOSTART)}
        self._configured = False
        self._active = False
        declare(self, list(self._settings.values()))
        self.add_on_set_parameters_callback(self._may_set)

    def configure(self) -> None:
        """Read the parameters, load what is needed and create the publishers."""

    def activate(self) -> None:
        """Start subscriptions, timers and threads; the publishers are enabled."""

    def deactivate(self) -> None:
        """Undo `activate`; the publishers are still enabled."""

    def cleanup(self) -> None:
        """Undo `configure`."""

    def adjust(self, values: Mapping[str, Any]) -> None:
        """Take over new values of dynamic parameters, by name; only ever called while configured. May raise `Refusal`."""

    def setting(self, name: str) -> Any:
        """Return the value of a parameter."""
        return self.get_parameter(name).value

    def start(self) -> bool:
        """Configure and activate, if `autostart` says so; return False if that was refused."""
        if not self.setting('autostart'):
            self.get_logger().info('waiting to be configured')
            return True
        return self.trigger_configure() == _SUCCESS and self.trigger_activate() == _SUCCESS

    def stop(self) -> None:
        """Undo what was done, in whatever state the node is."""
        if self._active:
            self._active = False
            self.deactivate()
        if self._configured:
            self._configured = False
            self.cleanup()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition by `configure`."""
        if not self._run(self.configure):
            return _FAILURE
        spare_heap()
        self._configured = True
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition by `activate`."""
        super().on_activate(state)
        if not self._run(self._activate):
            if self._active:
                self._active = False
                self.deactivate()
            super().on_deactivate(state)
            return _FAILURE
        self.get_logger().info('active')
        return _SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition by `deactivate`."""
        self._active = False
        self.deactivate()
        self.get_logger().info('inactive')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition by `cleanup`."""
        self._configured = False
        self.cleanup()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition by undoing what was done."""
        self.stop()
        return super().on_shutdown(state)

    def _activate(self) -> None:
        self.activate()
        self._active = True
        check_overrides_used(self)

    def _run(self, hook: Callable[[], None]) -> bool:
        try:
            hook()
        except Refusal as refusal:
            self.get_logger().error(str(refusal))
            return False
        except Exception as error:  # noqa: BLE001  rclpy would swallow it without a word.
            self.get_logger().error(f'{hook.__name__} failed: {type(error).__name__}: {error}')
            return False
        return True

    def _may_set(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            setting = self._settings.get(parameter.name)
            if setting is None:
                continue
            if self._configured and not setting.dynamic:
                return SetParametersResult(
                    successful=False,
                    reason=(
                        f'{parameter.name} is read when the node is configured: deactivate it and clean it up first'
                    ),
                )
            if not setting.allows(parameter.value):
                return SetParametersResult(
                    successful=False, reason=setting.refusal(parameter.value)
                )
        values = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name in self._settings
        }
        if self._configured and values:
            try:
                self.adjust(values)
            except Refusal as refusal:
                return SetParametersResult(successful=False, reason=str(refusal))
        return SetParametersResult(successful=True)


def run(node_class: Callable[[], ManagedNode], name: str, args: list[str] | None) -> int:
    """Run a node until SIGINT or SIGTERM; return the exit code of the process: 0, or 1 if something was refused."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    args = sys.argv if args is None else args
    try:
        # Not rclpy's handlers: they invalidate the context while threads still publish.
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # noqa: BLE001  rcl's and rclpy's exceptions for bad arguments have no common class.
        get_logger(name).fatal(' '.join(str(error).splitlines()[0].split()))
        return 1
    node = executor = None
    try:
        unknown = remove_ros_args(args)[1:]
        if unknown:
            raise Refusal(
                f'expected only ROS arguments such as --ros-args -p name:=value, got {" ".join(unknown)}'
            )
        node = node_class()
        if not node.start():
            return 1
        executor = Executor()
        executor.add_node(node)
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)
        return 0
    except Refusal as refusal:
        get_logger(name).fatal(str(refusal))
        return 1
    finally:
        if executor is not None:
            executor.shutdown()
        if node is not None:
            node.stop()
            node.destroy_node()
        rclpy.shutdown()
        # Python unloads torch after this, a second on a good day, with its own handlers gone:
        # asked again to end by somebody impatient, as ROS's launch is after 5 s, the process would
        # die of it instead of ending with its exit code.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
