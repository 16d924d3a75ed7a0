"""Keys and signatures: which bytes this user made himself.

Called by ``lab`` (signs handlers and jobs, verifies results) and by the worker (verifies handlers
and jobs before anything of them is unpickled, signs results). Never touches the database, and no
key ever reaches a process that runs user code.

Decisions: one file of 32 random bytes per key, mode 0600, in the user's config folder and outside
every lab, so that a lab that travels (a clone, a backup, a shared folder) brings data and never
trust. HMAC-SHA256 over length-prefixed fields, so that no two lists of fields have equal bytes; the
key for it is derived (HKDF) and bound to its purpose. A manifest is signed as its canonical JSON: what
this version cannot read does not verify. Standard library only: ``hmac`` and ``hashlib`` are enough for
signatures.
"""

from .keys import Vault

__all__ = ["Vault"]
