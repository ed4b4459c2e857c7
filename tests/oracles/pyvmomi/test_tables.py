"""What tables.py finds, and what it does not. Run by `run` before anything is checked."""

import unittest

import tables

REFERENCE = {"_typeName": "ManagedObjectReference", "type": "HostSystem", "value": "host-12"}
UPLINK = {"_typeName": "DistributedVirtualSwitchHostMemberHostUplinkState", "uplinkName": "uplink1", "state": "active"}


def found(method, path, body, status=200, is_empty=False):
    operation = tables.operation(method, path)
    types = tables.Tables(operation.prefix, operation.release)
    return [(finding.kind, finding.what) for finding in types.answer(operation, status, body, is_empty)]


def value(body):
    """Findings for a value in an Any of the release 8.0.3.0."""
    return [(finding.kind, finding.what) for finding in tables.Tables(None, "8.0.3.0").any(body, "here")]


class Findings(unittest.TestCase):
    def test_what_is_right_is_not_found_fault_with(self):
        self.assertEqual(value(UPLINK), [])
        self.assertEqual(value(REFERENCE), [])
        self.assertEqual(value({"_typeName": "string", "_value": "on"}), [])
        self.assertEqual(value({"_typeName": "ArrayOfManagedObjectReference", "_value": [REFERENCE]}), [])
        self.assertEqual(value({"_typeName": "HostSystemConnectionState", "_value": "connected"}), [])
        self.assertEqual(found("GET", "/sdk/vim25/8.0.3.0/HostSystem/host-1/name", "esx-1"), [])
        self.assertEqual(found("POST", "/sdk/vim25/8.0.3.0/VirtualMachine/vm-1/PowerOnVM_Task", {**REFERENCE, "type": "Task"}), [])
        self.assertEqual(found("POST", "/sdk/vim25/8.0.3.0/sms/SmsStorageManager/m/QueryProvider", None), [])
        self.assertEqual(found("POST", "/sdk/vim25/8.0.3.0/HostNetworkSystem/n/startDpuFailover", None, 204, True), [])

    def test_a_member_that_the_type_does_not_have(self):
        name = "DistributedVirtualSwitchHostMemberHostUplinkState.colour"
        self.assertEqual(value({**UPLINK, "colour": "red"}), [(tables.UNKNOWN_MEMBER, name)])

    def test_a_member_that_is_newer_than_the_release(self):
        nic = {"_typeName": "PhysicalNic", "device": "vmnic0", "pci": "0", "wakeOnLanSupported": True, "mac": "0"}
        nic["spec"] = {"_typeName": "PhysicalNicSpec"}
        self.assertEqual(value(nic), [])
        newer = (tables.UNKNOWN_MEMBER, "PhysicalNic.perfNicOffloadSupported")
        self.assertEqual(value({**nic, "perfNicOffloadSupported": True}), [newer])

    def test_a_member_of_a_wrong_type(self):
        where = "DistributedVirtualSwitchHostMemberHostUplinkState.state"
        self.assertEqual(value({**UPLINK, "state": 1}), [(tables.WRONG_TYPE, where)])
        self.assertEqual(value({**UPLINK, "state": None}), [(tables.WRONG_TYPE, where)])
        self.assertEqual(value({"_typeName": "int", "_value": 2**31}), [(tables.WRONG_TYPE, "here(int)")])
        self.assertEqual(value({"_typeName": "long", "_value": "1"}), [(tables.WRONG_TYPE, "here(long)")])
        self.assertEqual(value({"_typeName": "dateTime", "_value": "yesterday"}), [(tables.WRONG_TYPE, "here(dateTime)")])
        self.assertEqual(value({"_typeName": "boolean", "_value": 1}), [(tables.WRONG_TYPE, "here(boolean)")])

    def test_a_member_that_must_be_there(self):
        missing = {name: content for name, content in UPLINK.items() if name != "state"}
        name = "DistributedVirtualSwitchHostMemberHostUplinkState.state"
        self.assertEqual(value(missing), [(tables.MISSING_MEMBER, name)])

    def test_a_value_that_the_enum_does_not_have(self):
        box = {"_typeName": "HostSystemConnectionState", "_value": "asleep"}
        self.assertEqual(value(box), [(tables.UNKNOWN_VALUE, "HostSystemConnectionState.asleep")])

    def test_an_object_or_a_box_without_its_name(self):
        self.assertEqual(value({"uplinkName": "uplink1", "state": "active"}), [(tables.WRONG_TYPE, "here")])
        self.assertEqual(value("on"), [(tables.WRONG_TYPE, "here")])
        self.assertEqual(value([REFERENCE]), [(tables.WRONG_TYPE, "here")])

    def test_a_type_that_nobody_knows(self):
        self.assertEqual(value({"_typeName": "HostCoffeeMachine"}), [(tables.UNKNOWN_TYPE, "HostCoffeeMachine")])
        self.assertEqual(tables.operation("GET", "/sdk/vim25/8.0.3.0/HostSystem/host-1/coffee"), "property HostSystem.coffee")

    def test_a_reference_to_something_else_and_an_answer_that_is_none(self):
        path = "/sdk/vim25/8.0.3.0/VirtualMachine/vm-1/PowerOnVM_Task"
        self.assertEqual(found("POST", path, REFERENCE), [(tables.WRONG_TYPE, "VirtualMachine.PowerOnVM_Task")])
        self.assertEqual(found("POST", path, None), [(tables.WRONG_TYPE, "VirtualMachine.PowerOnVM_Task")])
        path = "/sdk/vim25/8.0.3.0/HostNetworkSystem/n/startDpuFailover"
        self.assertEqual(found("POST", path, True), [(tables.WRONG_TYPE, "HostNetworkSystem.startDpuFailover")])

    def test_the_result_of_a_task_is_held_against_the_operation_that_started_it(self):
        register = tables.operation("POST", "/sdk/vim25/8.0.3.0/Folder/f/RegisterVM_Task")
        found = tables.Tables().task_result(register, {**REFERENCE, "type": "VirtualMachine"})
        self.assertEqual(found, [])
        found = tables.Tables().task_result(register, REFERENCE)
        self.assertEqual([(f.kind, f.what) for f in found], [(tables.WRONG_TYPE, "result of Folder.RegisterVM_Task")])
        sync = tables.operation("POST", "/sdk/vim25/8.0.3.0/sms/VasaProvider/p/SyncReplicationGroup_Task")
        boxes = ("ArrayOfGroupOperationResult", "ArrayOfSyncReplicationGroupSuccessResult", "ArrayOfString")
        found = [tables.Tables("sms").task_result(sync, {"_typeName": box, "_value": []}) for box in boxes]
        self.assertEqual([len(each) for each in found], [0, 1, 1])

    def test_a_fault_is_held_against_its_type_too(self):
        fault = {"_typeName": "InvalidProperty"}
        path = "/sdk/vim25/8.0.3.0/HostSystem/host-1/name"
        self.assertEqual(found("GET", path, fault, 500), [(tables.MISSING_MEMBER, "InvalidProperty.name")])
        self.assertEqual(found("GET", path, UPLINK, 500), [(tables.WRONG_TYPE, "fault of HostSystem.name")])


if __name__ == "__main__":
    unittest.main()
