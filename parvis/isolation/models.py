"""None. Django tells the applications that have this module, and no others, that migrations have ended."""
