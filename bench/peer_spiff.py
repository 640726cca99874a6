"""A peer: the same visas by SpiffWorkflow, its whole state as JSON in one locked row, with one journal row for each."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from bench.commune import LARGE_FROM, way
from bench.crowd import amount
from bench.measure import Operations

TABLES = (
    "CREATE TABLE folder (id bigint PRIMARY KEY, state text NOT NULL)",
    "CREATE TABLE journal (id bigserial PRIMARY KEY, folder_id bigint NOT NULL, who text NOT NULL, event text NOT NULL, at timestamptz NOT NULL)",
)
LOCK = "SELECT state FROM folder WHERE id = %s FOR UPDATE"
WRITE = "UPDATE folder SET state = %s WHERE id = %s"
LINE = "INSERT INTO journal (folder_id, who, event, at) VALUES (%s, %s, %s, now())"
BPMN = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  id="d" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="invoice" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f0</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="service_done"/>
    <bpmn:userTask id="service_done" name="service_done"><bpmn:incoming>f0</bpmn:incoming><bpmn:outgoing>f1</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f1" sourceRef="service_done" targetRef="finance"/>
    <bpmn:userTask id="finance" name="finance"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="finance" targetRef="large"/>
    <bpmn:exclusiveGateway id="large" default="f4"><bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing><bpmn:outgoing>f4</bpmn:outgoing></bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="f3" sourceRef="large" targetRef="direction">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">amount &gt;= {LARGE_FROM}</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f4" sourceRef="large" targetRef="mayor"/>
    <bpmn:userTask id="direction" name="direction"><bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f5" sourceRef="direction" targetRef="mayor"/>
    <bpmn:userTask id="mayor" name="mayor"><bpmn:incoming>f4</bpmn:incoming><bpmn:incoming>f5</bpmn:incoming><bpmn:outgoing>f6</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f6" sourceRef="mayor" targetRef="end"/>
    <bpmn:endEvent id="end"><bpmn:incoming>f6</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"""


class Spiff:
    """One connection, one specification read once, one row for each folder."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))
        self._serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure())
        parser = BpmnParser()
        parser.add_bpmn_xml(etree.fromstring(BPMN.encode()))
        self._spec = parser.get_spec("invoice")
        for table in TABLES:
            self._connection.execute(table)
        self._connection.commit()

    def visas(self, folders: int) -> Operations:
        """Start so many workflows, then give every visa of each in order."""
        for number in range(1, folders + 1):
            workflow = BpmnWorkflow(self._spec)
            workflow.get_next_task(state=TaskState.READY).data["amount"] = amount(number)
            workflow.do_engine_steps()
            state = self._serializer.serialize_json(workflow)
            self._connection.execute("INSERT INTO folder VALUES (%s, %s)", (number, state))
        self._connection.commit()
        return self._each(folders)

    def _each(self, folders: int) -> Iterator[Any]:
        for number in range(1, folders + 1):
            for _ in way(amount(number)):
                yield partial(self._visa, number)

    def _visa(self, folder_id: int) -> None:
        run = self._connection.execute
        row = run(LOCK, (folder_id,)).fetchone()
        workflow = self._serializer.deserialize_json(row[0] if row else "")
        task = workflow.get_next_task(state=TaskState.READY, manual=True)
        task.run()
        workflow.do_engine_steps()
        run(WRITE, (self._serializer.serialize_json(workflow), folder_id))
        run(LINE, (folder_id, "Ronan Pellenec", task.task_spec.name))
        self._connection.commit()
