"""Stand-ins for what is outside AWS: Twilio, a site's chat, the world's mail, a token issuer.

They answer as the real ones do, report back to the hub as the real ones do, and keep every request
in the outbox. All are one HTTP server on 127.0.0.1.
"""
