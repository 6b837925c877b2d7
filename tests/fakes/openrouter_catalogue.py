"""What the fake OpenRouter offers: its catalogue of models, and what it says of a key."""

from __future__ import annotations

from typing import Any


def catalogue() -> dict[str, Any]:
    """A catalogue of ten rows in the shapes that the real one has, nulls and all."""
    rows = [
        _row(
            "google/gemini-3.8-flash",
            "Google: Gemini 3.8 Flash",
            ["text", "image", "file", "audio", "video"],
            prompt="0.0000005",
            completion="0.000003",
            context=1_048_576,
            output=65_536,
            overrides=[{"min_prompt_tokens": 200_000, "prompt": "0.000001", "completion": "0.000006"}],
            reasoning={"mandatory": False, "supported_efforts": ["high", "medium", "low", "minimal"]},
        ),
        _row(
            "google/gemini-3.5-flash-lite",
            "Google: Gemini 3.5 Flash Lite",
            ["text", "image", "file", "audio", "video"],
            prompt="0.0000001",
            completion="0.0000004",
            context=1_048_576,
            output=65_536,
            reasoning={"mandatory": False, "supported_efforts": None},
        ),
        _row(
            "google/gemini-3.6-pro",
            "Google: Gemini 3.6 Pro",
            ["text", "image", "file", "audio", "video"],
            prompt="0.000002",
            completion="0.000012",
            context=1_048_576,
            output=65_536,
            reasoning={"mandatory": True, "supported_efforts": ["high", "low"]},
        ),
        _row(
            "google/gemini-2.5-flash",
            "Google: Gemini 2.5 Flash",
            ["text", "image", "audio", "video"],
            prompt="0.0000003",
            completion="0.0000025",
            context=1_048_576,
            output=65_535,
            expires="2026-12-01",
        ),
        _row(
            "qwen/qwen3.8-omni-flash",
            "Qwen: Qwen3.8 Omni Flash",
            ["text", "image", "audio", "video"],
            prompt="0.0000002",
            completion="0.0000008",
            context=262_144,
            output=None,
        ),
        _row(
            "z-ai/glm-5.3-flash",
            "Z.AI: GLM 5.3 Flash",
            ["text", "image", "video"],
            prompt="0.00000015",
            completion="0.0000006",
            context=131_072,
            output=32_768,
        ),
        _row(
            "mistralai/voxtral-small",
            "Mistral: Voxtral Small",
            ["text", "audio"],
            prompt="0.0000001",
            completion="0.0000003",
            context=32_000,
            output=None,
        ),
        _row(
            "google/gemma-4-31b-it:free",
            "Google: Gemma 4 31B (free)",
            ["text", "image", "video"],
            prompt="0",
            completion="0",
            context=131_072,
            output=8_192,
        ),
        _row(
            "google/gemini-3.8-flash:batch",
            "Google: Gemini 3.8 Flash (batch)",
            ["text", "image", "audio", "video"],
            prompt="0.00000025",
            completion="0.0000015",
            context=1_048_576,
            output=65_536,
        ),
        _row(
            "meta/muse-spark-1.3",
            "Meta: Muse Spark 1.3",
            ["text", "audio", "video"],
            prompt="-1",
            completion="-1",
            context=None,
            output=None,
        ),
        _row(
            "deepseek/deepseek-v4",
            "DeepSeek: V4",
            ["text"],
            prompt="0.0000003",
            completion="0.000001",
            context=163_840,
            output=None,
        ),
        {"id": "vendor/empty-row", "name": None, "architecture": None, "pricing": None, "top_provider": None},
    ]
    return {"data": rows, "total_count": len(rows), "links": {"next": None}}


def key_status() -> dict[str, Any]:
    """What ``GET /key`` says of a paying customer's key."""
    return {
        "data": {
            "label": "sk-or-v1-tes...def",
            "limit": 20,
            "limit_remaining": 12.34,
            "usage": 7.66,
            "is_free_tier": False,
            "free_model_daily_requests": {"limit": 1000, "used": 3, "remaining": 997},
        }
    }


def _row(
    model_id: str,
    name: str,
    modalities: list[str],
    *,
    prompt: str,
    completion: str,
    context: int | None,
    output: int | None,
    overrides: list[dict[str, Any]] | None = None,
    expires: str | None = None,
    reasoning: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "id": model_id,
        "canonical_slug": model_id,
        "name": name,
        "created": 1_790_000_000,
        "description": f"{name} takes {', '.join(modalities)}.",
        "context_length": context,
        "architecture": {
            "modality": None,
            "input_modalities": modalities,
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {
            "prompt": prompt,
            "completion": completion,
            "request": "0",
            "image": None,
            "overrides": overrides,
        },
        "top_provider": {"context_length": context, "max_completion_tokens": output, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature", *(["reasoning"] if reasoning else [])],
        "expiration_date": expires,
        "reasoning": reasoning,
    }
