/** A scripted RTCPeerConnection for the page's tests: no network, messages by hand through `window.fake`. */

window.fake = { peers: [], sent: [], answers: true, rtp: null };

fake.say = (message, label = "state") => {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  fake.peers.at(-1).channels[label].onmessage({ data: text });
};

fake.hear = (type) => fake.sent.filter((message) => message.t === type);

fake.state = (value) => {
  const peer = fake.peers.at(-1);
  peer.connectionState = value;
  peer.onconnectionstatechange?.();
};

class FakeChannel {
  constructor(label, options) {
    Object.assign(this, { label, options, readyState: "connecting" });
  }

  send(text) {
    fake.sent.push(JSON.parse(text));
  }
}

window.RTCPeerConnection = class extends EventTarget {
  constructor(configuration) {
    super();
    Object.assign(this, { configuration, channels: {}, transceivers: [], connectionState: "new" });
    fake.peers.push(this);
  }

  addTransceiver(kind, options) {
    this.transceivers.push({ kind: typeof kind === "string" ? kind : kind.kind, ...options });
  }

  createDataChannel(label, options) {
    this.channels[label] = new FakeChannel(label, options);
    return this.channels[label];
  }

  async setLocalDescription() {
    this.localDescription = { type: "offer", sdp: "v=0\r\ns=fake\r\n" };
    setTimeout(() => this.dispatchEvent(new Event("icecandidate")), 1);
  }

  async setRemoteDescription(answer) {
    this.answer = answer;
    const stream = new AudioContext().createMediaStreamDestination().stream;
    const receiver = { getSynchronizationSources: () => (fake.rtp === null ? [] : [{ rtpTimestamp: fake.rtp >>> 0 }]) };
    this.ontrack({ receiver, track: stream.getAudioTracks()[0], streams: [stream] });
    if (!fake.answers) return;
    this.connectionState = "connected";
    for (const channel of Object.values(this.channels)) {
      channel.readyState = "open";
      channel.onopen?.();
    }
  }

  close() {
    this.connectionState = "closed";
    for (const channel of Object.values(this.channels)) channel.readyState = "closed";
  }
};
