"""The security list: what somebody might try, what must come of it, and the tests that show it.

Tests are named ``file::function`` below ``tests``; tests/house looks whether they are there. Each check behind
them is broken once in ``mutants.py``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is tried."""

    tried: str
    expected: str
    tests: tuple[str, ...]


_REST, _LIST, _COLUMNS, _TRUST = ("integration/test_server_security.py", "contract/test_security.py",
                                  "contract/test_signed_columns.py", "integration/test_trust.py")
_PLACES, _HOSTILE, _VAULT = ("unit/test_queue_places.py", "browser/extension/test_hostile.py",
                             "unit/test_vault.py")

LIST: dict[int, Entry] = {
    1: Entry("every route and verb without login, with a bad token, a cookie without the XSRF header, a "
             "foreign origin, a foreign host",
             "refused; the server runs with allow_unauthenticated_access=False", (
                 f"{_REST}::test_no_path_and_no_verb_answers_without_a_token",
                 f"{_REST}::test_every_verb_refuses_whoever_is_not_allowed",
                 f"{_REST}::test_a_server_with_jupyters_defaults_refuses_strangers_too",
                 f"{_REST}::test_the_same_requests_are_let_in_with_token_or_cookie",
                 f"{_REST}::test_the_server_accepts_all_our_endpoints",
                 f"{_REST}::test_the_event_stream_is_the_jupyter_servers_own",
                 f"{_LIST}::test_row_01_no_route_answers_a_stranger")),
    2: Entry("one byte changed in each signed column", "refused, not run, not tried again; a canary that its "
             "unpickling would leave is not there", (
                 f"{_COLUMNS}::test_every_column_of_a_signed_table_is_signed_or_said_not_to_be",
                 f"{_COLUMNS}::test_one_changed_byte_and_the_job_is_not_run",
                 f"{_COLUMNS}::test_no_changed_byte_is_believed",
                 f"{_LIST}::test_row_02_one_changed_signed_column_and_nothing_is_run",
                 f"{_LIST}::test_row_02_a_changed_result_is_never_unpickled",
                 f"{_LIST}::test_row_02_a_large_stream_exchanged_on_disk_is_never_loaded",
                 f"{_LIST}::test_row_02_another_handlers_version_is_not_slipped_in",
                 f"{_LIST}::test_row_02_a_parents_forged_result_is_not_handed_on",
                 f"{_LIST}::test_row_02_memos_parents_and_what_acts_beside_are_verified_too",
                 f"{_LIST}::test_row_02_a_schedule_made_by_hand_makes_no_job")),
    3: Entry("the ciphertext of one row put into another", "does not open; the job is not run", (
        f"{_LIST}::test_row_03_ciphertext_moved_to_another_row_does_not_open",
        "unit/test_sealing.py::test_every_flipped_bit_and_every_other_place_is_noticed")),
    4: Entry("a database that another key made", "shown, and nothing of it is written, loaded or run", (
        f"{_LIST}::test_row_04_a_database_of_another_key_is_read_only",
        f"{_LIST}::test_row_04_an_owners_mark_cannot_be_forged_or_moved",
        f"{_TRUST}::test_a_foreign_lab_is_shown_and_nothing_of_it_runs")),
    5: Entry("a folder of mode 0770, a file of mode 0640, a link, another owner", "refused with the command "
             "that mends it", (
                 f"{_LIST}::test_row_05_loose_folders_and_files_are_refused_with_the_line",
                 f"{_LIST}::test_row_05_links_and_foreign_owners_are_refused",
                 f"{_PLACES}::test_a_linked_folder_is_refused", f"{_PLACES}::test_a_linked_database_is_refused",
                 f"{_PLACES}::test_a_foreign_owner_is_refused",
                 f"{_VAULT}::test_loose_keys_are_refused_with_the_command")),
    6: Entry("scripts, handlers, links, forms, sheets and pictures in all that a job says and is called",
             "text: nothing ran, nothing left the machine", (
                 f"{_HOSTILE}::test_nothing_that_a_job_says_runs", f"{_HOSTILE}::test_no_name_of_anything_runs",
                 f"{_HOSTILE}::test_outputs_of_a_foreign_lab_are_trusted_only_once_the_lab_is",
                 f"{_LIST}::test_row_06_hostile_names_and_outputs_are_inert_in_html")),
    7: Entry("a result and an error that name a function, as Celery's once did", "values and text", (
        f"{_LIST}::test_row_07_names_in_stored_errors_are_text",
        f"{_LIST}::test_row_07_names_in_results_are_values")),
    8: Entry("a corpus of secrets in variables, fields and encrypted jobs", "not in logs, clear columns, "
             "exports, copies, the doctor's words", (
                 f"{_LIST}::test_row_08_secrets_are_found_nowhere",
                 "integration/test_encryption.py::test_nothing_of_an_encrypted_job_is_on_disk_in_clear",
                 "integration/test_encryption.py::test_the_same_job_in_clear_would_be_found",
                 f"{_REST}::test_the_token_stands_nowhere")),
    9: Entry("the key file's mode; environment and command line of worker, zygote and job", "0600; no key and "
             "no token in any", (f"{_LIST}::test_row_09_no_key_leaves_the_worker",
                              f"{_LIST}::test_row_09_no_token_of_the_server_reaches_worker_or_job")),
    10: Entry("ids that are paths: dots, percents once and twice, absolute, NUL", "refused as names", (
        f"{_LIST}::test_row_10_names_lead_nowhere_else", f"{_REST}::test_paths_do_not_lead_out")),
}
