// Mends kafkajs 2.2.4: each of its connections looks after its queue of requests every millisecond for as long as the
// process lives, even when nothing waits and after it has disconnected. (Node 24 warns of the negative time-out that
// this comes from.) With this a connection looks only while something waits.

import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleIfPending() {
  if (this.pending.length > 0) schedule.call(this);
};
