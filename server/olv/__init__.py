"""`WS /client-ws`: the protocol of Open-LLM-VTuber 1.2.1, so that its web and desktop clients talk to vaidol."""
