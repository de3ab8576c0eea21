"""Rotates the client certificate of one Third-Party Device-ID credential. Start reading at `rotation`."""
