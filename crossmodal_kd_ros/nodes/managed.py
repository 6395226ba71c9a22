# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every node shares: lifecycle, `autostart`, a clock that is watched, an orderly end."""

import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import rclpy
from lifecycle_msgs.msg import State
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.lifecycle import LifecycleNode, LifecycleState, Publisher, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.parameter import Parameter as RclpyParameter
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.utilities import remove_ros_args

from crossmodal_kd_ros.errors import ConfigurationError, CrossmodalError
from crossmodal_kd_ros.health.reasons import say
from crossmodal_kd_ros.memory import spare_heap
from crossmodal_kd_ros.nodes import context, qos
from crossmodal_kd_ros.nodes.clock import STEADY, ClockWatch
from crossmodal_kd_ros.nodes.given import Notice, entries, lost
from crossmodal_kd_ros.nodes.parameters import (
    AUTOSTART,
    Parameter,
    check_qos_overrides_used,
    declare,
)
from crossmodal_kd_ros.nodes.signals import end_event, ignore_end_signals
from crossmodal_kd_ros.runtime.topics import Topic

try:
    # Kilted and later, and Jazzy since rclpy 7.1.4. It keeps no list of everything that could
    # happen: docs/compatibility.md says what that saves. Its spin() burns a core, spin_once with a
    # limit does not.
    from rclpy.experimental import EventsExecutor as Executor
except ImportError:
    from rclpy.executors import SingleThreadedExecutor as Executor

Hook = Callable[[Any, LifecycleState], TransitionCallbackReturn]

_CLOCK_WARNING_S = 5.0


def log_failure(hook: Hook) -> Hook:
    """Have a lifecycle hook that raises log one sentence and refuse its transition.

    rclpy itself would swallow the exception without a word.
    """

    @functools.wraps(hook)
    def answer(node: 'ManagedNode', state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return hook(node, state)
        except CrossmodalError as error:
            node.get_logger().error(str(error))
        except Exception as error:  # noqa: BLE001  whatever it is, someone has to read of it
            node.get_logger().error(f'{hook.__name__} failed: {type(error).__name__}: {error}')
        return TransitionCallbackReturn.FAILURE

    return answer


class ManagedNode(LifecycleNode):
    """A lifecycle node that reads its parameters, starts itself and ends in order.

    Subclasses override rclpy's hooks. `on_configure` calls `super().on_configure(state)` last,
    when its publishers and subscriptions exist, made by `advertise` and `listen`: cleaning up
    releases them. `on_activate` calls `super().on_activate(state)`
    first, which lets the publishers send; `on_deactivate` and `on_cleanup` call theirs last. Hooks
    that may raise carry `@log_failure`. A shutdown deactivates and cleans up what needs it.
    """

    def __init__(
        self, name: str, args: Sequence[str], parameters: Sequence[Parameter] = ()
    ) -> None:
        """Declare `parameters`; raise `ConfigurationError` for a value that is not allowed.

        A subclass whose parameters follow from one of them calls `declare_all` itself.

        Args:
            name: of the node, unless it is renamed.
            args: the command line, whole: that with which rclpy was initialised.
            parameters: see above.
        """
        with context.own_parameters_of_ros():
            super().__init__(name)
        self._default_name, self._given = name, entries(args)
        self._configured = self._active = self._shut_down = False
        self._beats: list[Timer] = []
        self._publishers_by_topic: dict[Topic, Publisher] = {}
        self._inputs: list[Subscription] = []
        self.clock_watch = ClockWatch(self)
        if parameters:
            self.declare_all(parameters)

    def declare_all(self, parameters: Sequence[Parameter]) -> None:
        """Declare `parameters` and `autostart`, once."""
        parameters = (*parameters, AUTOSTART)
        self._parameters_by_name = {parameter.name: parameter for parameter in parameters}
        self._warn(lost(self._given, self.get_fully_qualified_name(), self._default_name))
        self._warn(declare(self, parameters, self._given))
        self.add_on_set_parameters_callback(self._on_set_parameters)

    def parameter_values(self) -> dict[str, Any]:
        """Return the value of each declared parameter by its name."""
        return {name: self.get_parameter(name).value for name in self._parameters_by_name}

    def on_parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Take over new values, by name, of parameters that change at once.

        Called while configured; a `ConfigurationError` refuses them.
        """

    def advertise(self, topics: Iterable[Topic]) -> None:
        """Create a publisher of each topic."""
        self._publishers_by_topic |= {topic: qos.publisher(self, topic) for topic in topics}

    def listen(
        self, topic: Topic, callback: Callable[[Any], None], *, depth: int | None = None
    ) -> Subscription:
        """Create a subscription, see `qos.subscription`."""
        subscription = qos.subscription(self, topic, callback, depth=depth)
        self._inputs.append(subscription)
        return subscription

    def is_heard(self, topic: Topic) -> bool:
        """Return whether somebody subscribes to a topic that is advertised."""
        return self._publishers_by_topic[topic].get_subscription_count() > 0

    def send(self, topic: Topic, message: Any) -> None:
        """Publish a message on a topic that is advertised."""
        self._publishers_by_topic[topic].publish(message)

    def every(
        self, period_s: float, callback: Callable[[], None], *, clock: Clock = STEADY
    ) -> None:
        """Call `callback` again and again, by `clock`, until the node is deactivated.

        The executor may have taken a timer that was due before it is destroyed, and call it after.
        """

        def beat() -> None:
            if self._active:
                callback()

        self._beats.append(self.create_timer(period_s, beat, clock=clock))

    def start(self) -> bool:
        """Configure and activate, if `autostart` says so; return whether nothing was refused."""
        if not self.parameter_values()[AUTOSTART.name]:
            self.get_logger().info('waiting to be configured')
            return True
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def stop(self) -> None:
        """Shut down from whatever state."""
        if not self._shut_down:
            self.trigger_shutdown()

    def destroy_node(self) -> None:
        """Leave the ROS graph.

        rclpy keeps the state machine, and with it the node in the graph, until the garbage
        collector finds it; never, once `spare_heap` has spared it.
        """
        super().destroy_node()
        self._state_machine = None

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check that each QoS override names a topic of this node; clean up if one does not."""
        self._configured = True
        try:
            self._warn(check_qos_overrides_used(self, self._given))
        except ConfigurationError:
            self.on_cleanup(state)
            raise
        spare_heap()
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let the publishers send; say from now on if the node's time does not go on."""
        self.get_logger().info('active')
        self._active = True
        self.every(_CLOCK_WARNING_S, self._warn_of_clock)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop what is done `every` so often, and silence the publishers."""
        for timer in self._beats:
            self.destroy_timer(timer)
        self._active, self._beats = False, []
        self.get_logger().info('inactive')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release subscriptions and publishers; let parameters read at configure be changed."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for publisher in self._publishers_by_topic.values():
            self.destroy_lifecycle_publisher(publisher)
        self._inputs, self._publishers_by_topic = [], {}
        self._configured = False
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate and clean up first, as far as `state`, the one before, needs it."""
        self._shut_down = True
        if state.state_id == State.PRIMARY_STATE_ACTIVE:
            self.on_deactivate(state)
        if state.state_id in (State.PRIMARY_STATE_ACTIVE, State.PRIMARY_STATE_INACTIVE):
            self.on_cleanup(state)
        return super().on_shutdown(state)

    def _warn(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            self.get_logger().warning(str(notice))

    def _warn_of_clock(self) -> None:
        faults = self.clock_watch.faults()
        if faults:
            self.get_logger().warning(
                f'{say(*faults)}: does the simulation run, and its bridge, or ros2 bag play '
                'with --clock? On a robot use_sim_time is false'
            )

    def _on_set_parameters(self, parameters: Sequence[RclpyParameter]) -> SetParametersResult:
        values = {each.name: each.value for each in parameters}
        values = {name: values[name] for name in values if name in self._parameters_by_name}
        try:
            for name, value in values.items():
                self._check_change(self._parameters_by_name[name], value)
            if self._configured and values:
                self.on_parameters_changed(values)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_change(self, parameter: Parameter, value: Any) -> None:
        if parameter.changes == 'at start':
            raise ConfigurationError(
                f'{parameter.name} is read when the node starts: start it again with another'
            )
        if parameter.changes == 'at configure' and self._configured:
            raise ConfigurationError(
                f'{parameter.name} is read when the node is configured: '
                'deactivate it and clean it up first'
            )
        if not parameter.allows(value):
            raise ConfigurationError(parameter.refusal(value))


def run(
    node_class: Callable[[Sequence[str]], ManagedNode], name: str, args: list[str] | None
) -> int:
    """Run a node until a signal ends it; return the exit code: 0, or 1 if something failed."""
    ended = end_event()
    args = sys.argv if args is None else args
    try:
        context.init(args)
    except ConfigurationError as error:
        get_logger(name).fatal(str(error))
        return 1
    node = executor = None
    try:
        unknown = remove_ros_args(args)[1:]
        if unknown:
            raise ConfigurationError(
                'expected only ROS arguments such as --ros-args -p name:=value, '
                f'got {" ".join(unknown)}'
            )
        node = node_class(args)
        if not node.start():
            return 1
        executor = Executor()
        executor.add_node(node)
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)
        return 0
    except ConfigurationError as error:
        get_logger(name).fatal(str(error))
        return 1
    finally:
        if executor is not None:
            executor.shutdown()
        if node is not None:
            node.stop()
            node.destroy_node()
        rclpy.shutdown()
        # Python unloads torch after this, a second on a good day, with its own handlers gone: a
        # second signal, as ROS's launch sends after 5 s, would kill the process instead of letting
        # it end with its exit code.
        ignore_end_signals()
