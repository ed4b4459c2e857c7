"""What check.py makes of recordings of usual and of odd worlds. Run by `run` before anything is checked."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import check

START = "/sdk/vim25/8.0.3.0/sms/VasaProvider/p/FailoverReplicationGroup_Task"
ASK = "/sdk/vim25/8.0.3.0/sms/SmsTask/task-1/QuerySmsTaskInfo"
TASK = {"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": "task-1"}
GROUP = {
    "_typeName": "ReplicationGroupId",
    "faultDomainId": {"_typeName": "FaultDomainId", "id": "fd"},
    "deviceGroupId": {"_typeName": "DeviceGroupId", "id": "rg"},
}
SUCCESS = {"_typeName": "FailoverSuccessResult", "groupId": GROUP, "newState": "FAILEDOVER"}
DECLARED = {"_typeName": "ArrayOfGroupOperationResult", "_value": [SUCCESS]}
SUBTYPE = {"_typeName": "ArrayOfFailoverSuccessResult", "_value": [SUCCESS]}
LISTED = "wrong type (with result_form): SmsTaskInfo.result*: form\nwrong type (with result_form): result of VasaProvider.*: form\n"


def exchange(path, body, target):
    answer = {"status": 200, "headers": [], "body": {"json": body}}
    request = {"method": "POST", "path": path, "headers": [], "body": "empty"}
    return {"n": 1, "operation": "any", "target": target, "request": request, "outcome": {"answer": answer}}


def judged(result, mark, folder="client"):
    """The number of failures, and how many oddities are met, for a task with this result in a world with this mark."""
    info = {"_typeName": "SmsTaskInfo", "key": "task-1", "task": TASK, "object": TASK, "state": "success"}
    info |= {"startTime": "2026-01-01T00:00:00Z", "result": result}
    lines = [exchange(START, TASK, "fd/rg" + mark), exchange(ASK, info, "task-1" + mark)]
    report = check.Report()
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place) / folder / "1-1.jsonl"
        path.parent.mkdir()
        path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        check.read_recordings(pathlib.Path(place), report)
    with contextlib.redirect_stdout(io.StringIO()):
        failures, met = check.judge(report.findings, check.read_oddities(LISTED, "here"))
    return failures, len(met)


class Worlds(unittest.TestCase):
    def test_a_usual_world_has_to_answer_as_declared(self):
        self.assertEqual(judged(DECLARED, ""), (0, 0))
        for wrong in (SUBTYPE, [SUCCESS], SUCCESS):
            self.assertGreater(judged(wrong, "")[0], 0, wrong)
        # In the simulator's own recordings nobody knows which operation has started a task.
        self.assertGreater(judged([SUCCESS], "", "simulator")[0], 0)

    def test_a_world_with_the_switch_may_answer_otherwise(self):
        for odd in (SUBTYPE, [SUCCESS]):
            failures, met = judged(odd, ", odd: result_form")
            self.assertEqual(failures, 0, odd)
            self.assertGreater(met, 0, odd)

    def test_another_switch_is_no_excuse(self):
        self.assertGreater(judged(SUBTYPE, ", odd: another")[0], 0)

    def test_a_world_whose_answers_all_have_another_form_is_not_judged(self):
        self.assertEqual(judged(SUBTYPE, ", odd: nulls+result_form"), (0, 0))


if __name__ == "__main__":
    unittest.main()
