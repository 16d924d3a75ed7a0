"""Keys, signatures, encryption: which bytes this user made himself, and which only he may read.

Called by ``lab`` (signs handlers and jobs, verifies results), by the worker (verifies handlers and jobs
before anything of them is unpickled, signs results, opens what a job is handed and closes what it says)
and by ``job_queue`` (opens for readers what is stored closed). Never touches the database, and no key
ever reaches a process that runs user code.

    keys       the user's keys and what they do: sign, verify, seal, unseal, name
    signing    for each kind of row, which fields are signed, in which order
    sealing    AES-256-GCM with a derived key for every value, bound to its place
    stores     where a key is: a private file, the desktop's key store, wrapped by a passphrase
    files      private files, and who else could read them

Decisions: one file of 32 random bytes per key, mode 0600, in the user's config folder and outside
every lab, so that a lab that travels (a clone, a backup, a shared folder) brings data and never
trust. Keys per purpose are derived (HKDF). HMAC-SHA256 over length-prefixed fields, so that no two lists
of fields have equal bytes. A manifest is signed as its canonical JSON: what this version cannot read
does not verify. What is encrypted is signed as well, in clear: rotating keys does not change what was
said. Signatures need the standard library only; ``cryptography`` is loaded with the first sealed value.
"""

from .keys import Vault

__all__ = ["Vault"]
