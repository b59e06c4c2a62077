# A hosted Dry Run in a container. How to use it, and what was tried: docs/hosting.md.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 dryrun
WORKDIR /home/dryrun/app

COPY requirements.txt requirements-auth.txt ./
RUN pip install --no-cache-dir -r requirements.txt -r requirements-auth.txt

COPY . .
RUN install -d -o dryrun /home/dryrun/data /home/dryrun/cache

USER dryrun
ENV DRYRUN_HOSTED=1 DRYRUN_DATA=/home/dryrun/data DRYRUN_CACHE=/home/dryrun/cache
EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.maxUploadSize=20"]
