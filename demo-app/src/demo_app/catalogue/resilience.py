"""Faults that breakers, retries and dead letters are there for."""

from typing import Final

from demo_app.catalogue import names
from demo_app.catalogue.spec import FaultSpec
from demo_app.model import DEPENDENCIES

RESILIENCE: Final = (
    FaultSpec(
        name=names.DEPENDENCY_DOWN,
        description="The first of the dependencies, crm-api and llm, cannot be reached. Calls fail, are "
        "tried again and open its breaker; the CRM agent's requests then fail at once, while the agents on "
        "the model fall back to rule-based answers.",
        unit="dependencies",
        minimum=1,
        maximum=len(DEPENDENCIES),
        default=1,
        whole=True,
        metrics=(
            "insa_circuit_breaker_state",
            "insa_circuit_breaker_transitions_total",
            "insa_circuit_breaker_rejected_calls_total",
            "insa_circuit_breaker_failed_requests_total",
            "insa_circuit_breaker_failures_total",
            "insa_circuit_breaker_state_seconds_total",
            "insa_retry_outcomes_total",
            'insa_agent_requests_total{status="error"}',
            "insa_agent_fallbacks_total",
            "insa_retry_attempts_per_call",
            "insa_database_queries_total",
            "insa_database_query_duration_seconds",
            "insa_message_bus_published_total",
            "insa_message_bus_delivered_total",
            "insa_message_bus_processing_duration_seconds",
        ),
        alerts=(
            "CircuitBreakerOpen",
            "HighErrorRate",
        ),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=names.BREAKER_FLAPPING,
        description="The model, llm, cannot be reached for the first half of every period of the given "
        "length: its breaker opens and closes over and over. The agents fall back in the meantime, so "
        "hardly a request fails.",
        unit="seconds a period",
        minimum=2,
        maximum=600,
        default=60,
        metrics=(
            "insa_circuit_breaker_transitions_total",
            "insa_circuit_breaker_state",
            "insa_circuit_breaker_state_seconds_total",
            "insa_circuit_breaker_failures_total",
            "insa_circuit_breaker_rejected_calls_total",
            "insa_agent_fallbacks_total",
            "insa_agent_requests_total",
            "insa_retry_attempts_total",
            "insa_retry_outcomes_total",
            "insa_retry_attempts_per_call",
            "insa_retry_delay_seconds",
        ),
        alerts=(
            "CircuitBreakerFlapping",
            "CircuitBreakerOpen",
        ),
    ),
    FaultSpec(
        name=names.RETRY_FAILURE,
        description="A share of the calls finds its dependency busy at every attempt: the retries are used "
        "up and the request fails. Busy is an answer: no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=(
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_retry_delay_seconds",
            "insa_retry_attempts_per_call",
            'insa_agent_requests_total{status="error"}',
        ),
        alerts=(
            "LowRetrySuccessRate",
            "ExcessiveRetryAttempts",
            "HighErrorRate",
        ),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=names.RETRY_STORM,
        description="A share of the calls finds its dependency busy until the last attempt, which is "
        "answered: four calls for one, and no request fails.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.8,
        metrics=(
            "insa_retry_attempts_total",
            "insa_retry_attempts_per_call",
            "insa_retry_delay_seconds",
            'insa_retry_outcomes_total{outcome="success"}',
        ),
        alerts=("ExcessiveRetryAttempts",),
    ),
    FaultSpec(
        name=names.POISONED_MESSAGES,
        description="A share of the messages cannot be read by the dependency they are for. Their retries "
        "are used up, and they go to the dead letters; replaying them fails until the "
        "fault ends.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.3,
        metrics=(
            "insa_dlq_size",
            "insa_dlq_enqueued_total",
            "insa_dlq_oldest_message_age_seconds",
            'insa_dlq_replayed_total{result="failure"}',
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_worker_tasks_failed_total",
            "insa_agent_requests_total",
            "insa_retry_attempts_per_call",
            "insa_retry_delay_seconds",
            "insa_cache_hits_total",
            "insa_cache_lookup_duration_seconds",
            "insa_database_queries_total",
            "insa_database_query_duration_seconds",
            "insa_message_bus_published_total",
            "insa_message_bus_delivered_total",
            "insa_message_bus_processing_duration_seconds",
        ),
        alerts=(
            "DeadLetterQueueGrowing",
            "DeadLetterQueueCritical",
            "HighDLQReplayFailureRate",
            "LowRetrySuccessRate",
            "ExcessiveRetryAttempts",
            "HighErrorRate",
        ),
    ),
    FaultSpec(
        name=names.REPLAY_FAILURE,
        description="A share of the dead letters cannot be handed over when they are replayed. So that there "
        "is something to replay, 2 % of the messages are poisoned in the meantime.",
        unit="share of replays",
        minimum=0,
        maximum=1,
        default=1,
        metrics=(
            'insa_dlq_replayed_total{result="failure"}',
            "insa_dlq_size",
            "insa_dlq_enqueued_total",
            "insa_dlq_oldest_message_age_seconds",
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_worker_tasks_failed_total",
            "insa_retry_delay_seconds",
        ),
        alerts=(
            "HighDLQReplayFailureRate",
            "DeadLetterQueueGrowing",
            "LowRetrySuccessRate",
        ),
    ),
)
