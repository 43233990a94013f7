"""What four services take, as their documentation says: JSON Schemas of the requests to them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT = {"type": "string", "minLength": 1}

# PagerDuty, "Send an alert event": Events API v2.
PAGERDUTY: Schema = {
    "type": "object",
    "required": ["routing_key", "event_action", "dedup_key", "payload"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string", "format": "uri"},
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": _TEXT,
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "format": "date-time"},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
            "additionalProperties": False,
        },
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "properties": {"href": {"type": "string", "format": "uri", "minLength": 1}, "text": _TEXT},
                "additionalProperties": False,
            },
        },
        "images": {"type": "array"},
    },
    "additionalProperties": False,
}

# Jira Service Management, "Integration events", create and close, with the limits of the fields of an alert.
JIRA_CREATE: Schema = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string", "minLength": 1, "maxLength": 130},
        "alias": {"type": "string", "maxLength": 512},
        "description": {"type": "string", "maxLength": 15_000},
        "tags": {
            "type": "array",
            "maxItems": 20,
            "items": {"type": "string", "minLength": 1, "maxLength": 50},
        },
        "details": {"type": "object", "additionalProperties": {"type": "string"}},
        "entity": {"type": "string", "maxLength": 512},
        "source": {"type": "string", "maxLength": 100},
        "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
    },
    "additionalProperties": False,
}
JIRA_CLOSE: Schema = {
    "type": "object",
    "properties": {
        "user": {"type": "string", "maxLength": 100},
        "source": {"type": "string", "maxLength": 100},
        "note": {"type": "string", "maxLength": 25_000},
    },
    "additionalProperties": False,
}

# Slack, "Sending messages using incoming webhooks" and "Legacy secondary message attachments".
SLACK: Schema = {
    "type": "object",
    "required": ["attachments"],
    "properties": {
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["fallback", "title", "text", "color"],
                "properties": {
                    "fallback": _TEXT,
                    "title": _TEXT,
                    "title_link": {"type": "string", "format": "uri"},
                    "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
                    "color": {"type": "string", "pattern": "^(good|warning|danger|#[0-9a-fA-F]{6})$"},
                    "mrkdwn_in": {"type": "array", "items": {"enum": ["pretext", "text", "fields"]}},
                },
            },
        }
    },
}

# Microsoft Teams, "Post to a channel when a webhook request is received", and Adaptive Cards 1.2.
TEAMS: Schema = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": {
                        "type": "object",
                        "required": ["type", "version", "body"],
                        "properties": {
                            "type": {"const": "AdaptiveCard"},
                            "version": {"type": "string"},
                            "body": {
                                "type": "array",
                                "minItems": 2,
                                "items": {
                                    "type": "object",
                                    "required": ["type", "text"],
                                    "properties": {"type": {"const": "TextBlock"}, "text": _TEXT},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
TEAMS_BYTES = 28 * 1024
"""A message that is larger is refused."""
