"""What Vercel imports and calls: every path goes here (`rewrites` of vercel.json)."""

from coursewright.api.serverless import app

__all__ = ["app"]
