# syntax=docker/dockerfile:1
# The image of a worker:  docker build -t flowmanager .
# Pin the base by its digest where builds must be the same for ever:  --build-arg BASE=python:3.13.7-slim-bookworm@sha256:…
ARG BASE=python:3.13.7-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY setup.cfg setup.py pyproject.toml README.md LICENSE ./
COPY flowmanager flowmanager
# The virtualenv is all that goes into the image: no pip, no sources.
RUN python3 -m venv --without-pip /opt/flowmanager \
 && python3 -m pip --python /opt/flowmanager/bin/python install --no-cache-dir .

FROM ${BASE}
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin flowmanager
COPY --from=build /opt/flowmanager /opt/flowmanager
ENV PATH=/opt/flowmanager/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PROMETHEUS_ENDPOINT=/metrics \
    PROMETHEUS_LISTEN_ADDRESS=:2112
USER 10001:10001
EXPOSE 2112
# Work in hand is finished: give the container longer than FLOWMANAGER_STOP_SECONDS to stop.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:2112/livez', timeout=4)"]
ENTRYPOINT ["flowmanager"]
CMD ["serve"]
