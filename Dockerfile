# The server for a team: see docs/guide/team.md. Build it in a checkout: docker build -t compress-compare .
FROM python:3.12-slim AS wheel
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
# Jobs that make models need torch, too: --build-arg EXTRAS=postgres,s3,remote,torch
ARG EXTRAS=postgres,s3,remote
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[$EXTRAS]" && rm -r /wheels
RUN useradd --create-home --uid 1000 compress && install -d -o compress /data
USER compress
ENV XDG_CONFIG_HOME=/data/config XDG_STATE_HOME=/data/state XDG_CACHE_HOME=/data/cache PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8787
ENTRYPOINT ["compress-compare"]
CMD ["serve", "--help"]
