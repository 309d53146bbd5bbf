"""A producer as the existing installation has them: kafka-python, zoneless microsecond time stamps (UTC).

python-producer.py BROKERS TOPIC COMPRESSION COUNT START: sends COUNT sensor readings, one each second from START on
(zoneless ISO 8601 with microseconds), keyed by sensor.
"""
import json
import sys
from datetime import datetime, timedelta

from kafka import KafkaProducer

brokers, topic, compression, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
producer = KafkaProducer(
    bootstrap_servers=brokers.split(","),
    key_serializer=lambda key: key.encode(),
    value_serializer=lambda event: json.dumps(event).encode(),
    compression_type=None if compression == "none" else compression,
    linger_ms=50,
)
start = datetime.fromisoformat(sys.argv[5])
for i in range(count):
    sensor_id = f"python-{compression}"
    producer.send(topic, key=sensor_id, value={
        "event_id": f"{sensor_id}_{start.timestamp() + i}",
        "sensor_id": sensor_id,
        "sensor_type": "voltage",
        "value": 220 + i % 7 / 10,
        "location": {"lat": 41.33, "lon": 19.82},
        "timestamp": (start + timedelta(seconds=i)).isoformat(),
        "metadata": {"source": "python"},
    })
producer.flush()
