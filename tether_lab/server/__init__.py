"""The verbs of ``lab`` over HTTP, inside a Jupyter server: tornado lives only here.

Called by the JupyterLab panel and by scripts. A viewer of the queue: it watches the database and tells
what changed; it is never the parent of a worker (starting one is the same detached start as anywhere), and
it runs no user code, unpickles nothing and loads neither pandas nor plotly nor IPython.

The flow of a request: ``routes`` (which verb) · ``api`` (who may, what was said, errors) · ``contract``
(``openapi.json`` checks it) · a verb in ``about jobs acting together times downloads drawing`` · ``wire*``
(values as JSON). Of a change: ``live`` (one task a lab) · an event on the Jupyter server's own event stream.

Decisions:

* The document is the contract: requests are checked by it, answers are tested against it, the golden JSON
  of ``tests/wire`` is shared with the front end.
* Authentication, authorization, XSRF and origin are the Jupyter server's. One handler class, every verb of
  it decorated; what stands in no path is refused in the same way.
* What lives on the loop and is asked for all the time (pages of jobs, changes, counts) is read through
  aiosqlite; every other verb, and every write, runs whole in one shielded thread hop.
* A cursor belongs to this process. After a restart of the server it means nothing, and the answer says so
  (``reset``): pages load again, nothing is guessed.
* GET requests do not count as activity of the Jupyter server: an open panel does not keep it from being
  culled, a running job does.
* A worker that died, or that is missing after a reboot, is started where work is due (setting
  ``autostart``); one that was stopped while we watch stays stopped.
"""
