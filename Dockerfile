# syntax=docker/dockerfile:1
# One image for the web, the worker and the sweep; compose.yaml says which is which. It holds no secret and no setting
# but where to listen; everything else comes from the environment.

FROM python:3.13-slim-trixie AS packages
WORKDIR /build
COPY requirements.txt ./
# Only wheels whose hashes are in uv.lock: nothing is compiled, and nothing that was changed since is installed.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
        -r requirements.txt

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin otp
WORKDIR /srv
COPY --from=packages /venv /venv
COPY manage.py ./
COPY otp_app ./otp_app
COPY otp_project ./otp_project
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 STATIC_ROOT=/srv/staticfiles
# The key is of this one command: settings want one.
RUN python -m compileall -q otp_app otp_project \
    && SECRET_KEY=$(python manage.py otp_key) python manage.py collectstatic --no-input
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', os.environ['PORT'], timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "otp_project"]
