"""Stand-ins that are real: servers that listen on loopback and speak the protocol."""
