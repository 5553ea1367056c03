"""pyreqwest's Client."""
