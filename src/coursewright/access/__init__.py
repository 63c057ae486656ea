"""Who asks: API keys and JSON Web Tokens, and the organisation, user and role that they stand for."""

from coursewright.access.keys import ApiKey, ApiKeys
from coursewright.access.principal import Principal
from coursewright.access.tokens import Tokens

__all__ = ["ApiKey", "ApiKeys", "Principal", "Tokens"]
