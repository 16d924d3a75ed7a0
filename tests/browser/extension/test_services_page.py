"""The page of services: what one says of itself, a message to it, its end and its start."""

from __future__ import annotations

import pytest
from in_jobs import Sensor
from playwright.sync_api import expect
from shown_lab import LONG, Shown

from tether_lab import Lab


@pytest.mark.timeout(240)
def test_a_service_from_its_page(shown: Shown, lab: Lab) -> None:
    """It is told to say something else, and says so; it is stopped, started again, and removed."""
    lab.start_service("sensor", Sensor, {"port": 7000}, title="Roof sensor", body="listens")
    shown.open()
    shown.panel.get_by_role("button", name="Services").click()
    item = shown.page.locator(".tl-Page:visible [data-service=sensor]")
    expect(item).to_contain_text("running", timeout=LONG)
    expect(item).to_contain_text("listens")
    item.get_by_label("Message to sensor").fill('{"rate": 2}')
    item.get_by_role("button", name="Send as JSON").click()
    expect(item).to_contain_text("heard {'rate': 2}", timeout=LONG)
    item.get_by_text("What happened").click()
    expect(item.get_by_role("region", name="Events of sensor")).to_contain_text('{"heard":{"rate":2}}')
    assert shown.axe(".tl-Page") == []
    item.get_by_role("button", name="Stop").click()
    expect(item).to_contain_text("stopped", timeout=LONG)
    item.get_by_role("button", name="Start", exact=True).click()
    expect(item).to_contain_text("running", timeout=LONG)
    item.get_by_role("button", name="Stop").click()
    item.get_by_role("button", name="Remove").click(timeout=LONG)
    item.get_by_role("button", name="Really remove?").click()
    expect(shown.page.locator(".tl-Page:visible")).to_contain_text("There are no services.")
