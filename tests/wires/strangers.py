"""What Python's own hands make of our messages, and of theirs. One JSON object in on stdin, one out on stdout; nothing of this
repository is imported.

  lxml    {xml: [text…], xsd: path}  checks each document's content by lxml's XSD validator, then builds it anew: other prefix, indented
  json    {json: [text…]}            parses and writes it anew: names sorted, indented, everything beyond ASCII escaped
  letter  {xml: [text…], xsd, inner} unpacks an edXML letter by zipfile, checks it and the dossier in it by lxml, packs and builds it anew
  zeep    {wsdl: path}               what zeep makes of the operations' values, from the WSDL alone
  texts   {json: [text…]}            the same, and that every scalar in them is a text and nothing is null
  keypay  {create: [text…], query: [text…], keys: [1, 2]}  checks our seals by hashlib; a notice and a query's answer for each create
  spyne   {call: text, soap: 11|12}  a spyne service takes the call; what it understood and what it answered
"""

import json
import sys

from lxml import etree

NS = "urn:lienthong:bo-gddt:1"


def content(root):
    """The document inside a SOAP body, whichever version."""
    if etree.QName(root).localname != "Envelope":
        return root
    body = next(child for child in root if etree.QName(child).localname == "Body")
    return body[0]


def again(old, parent):
    """The same element by lxml's own calls, under a prefix of its own."""
    names = {"q": NS}
    new = etree.Element(old.tag, nsmap=names) if parent is None else etree.SubElement(parent, old.tag)
    for name, value in sorted(old.attrib.items(), reverse=True):
        new.set(name, value)
    new.text = old.text
    for child in old.iterchildren("*"):
        again(child, new)
    return new


def by_lxml(given):
    schema = etree.XMLSchema(etree.parse(given["xsd"]))
    made = []
    for text in given["xml"]:
        root = etree.fromstring(text.encode())
        schema.assertValid(etree.ElementTree(content(root)))
        envelope = etree.Element(root.tag, nsmap={"env": etree.QName(root).namespace})
        body = etree.SubElement(envelope, etree.QName(etree.QName(root).namespace, "Body"))
        body.append(again(content(root), None))
        made.append(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True, pretty_print=True).decode())
    return {"made": made}


EDXML = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"


def by_letter(given):
    import base64
    import io
    import zipfile

    schema = etree.XMLSchema(etree.parse(given["xsd"]))
    inner = etree.XMLSchema(etree.parse(given["inner"]))
    made, found = [], []
    for text in given["xml"]:
        root = etree.fromstring(text.encode())
        schema.assertValid(etree.ElementTree(root))
        files = {}
        for n, attachment in enumerate(root.iter(EDXML + "Attachment")):
            part = {child.tag.removeprefix(EDXML): child for child in attachment}
            name = part["AttachmentName"].text
            archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(part["ContentTransferEncoded"].text, validate=True)))
            assert archive.testzip() is None and archive.namelist() == [name], (archive.namelist(), name)
            data = archive.read(name)
            files[part["ContentId"].text] = base64.b64encode(data).decode()
            if part["ContentId"].text == "ho-so.xml":
                inner.assertValid(etree.fromstring(data).getroottree())
            # Packed anew, stored or deflated, with another time; or as it is.
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][n % 2]) as to:
                to.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), data)
            plain = n % 3 == 2
            part["ContentTransferEncoded"].text = base64.encodebytes(data if plain else packed.getvalue()).decode()
        # The attachments in another order.
        attachments = root.find(EDXML + "AttachmentEncoded")
        attachments[:] = list(reversed(attachments))
        new = etree.Element(root.tag, nsmap={"x": EDXML[1:-1]})
        new.extend(list(root))
        made.append(etree.tostring(new, encoding="UTF-8", xml_declaration=True, pretty_print=True).decode())
        found.append(files)
    return {"made": made, "found": found}


def by_json(given):
    return {"made": [json.dumps(json.loads(text), sort_keys=True, indent=3) for text in given["json"]]}


def by_texts(given):
    def look(value, at):
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, f"{at}/{name}")
        elif isinstance(value, list):
            for n, inner in enumerate(value):
                look(inner, f"{at}/{n}")
        else:
            assert isinstance(value, str), f"{at} is {type(value).__name__}"

    for text in given["json"]:
        look(json.loads(text), "")
    return by_json(given)


def by_keypay(given):
    import hashlib
    import hmac

    def seal(key, values):
        return hmac.new(key.encode(), "|".join(str(v) for v in values).encode(), hashlib.sha256).hexdigest()

    first, second = given["keys"]
    over = ["addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version"]
    notices, states = [], []
    for text in given["create"]:
        call = json.loads(text)
        assert call["check_sum"] == seal(first, [call[name] for name in over]), "create"
        assert len(call["transaction_id"]) <= 20 and all(isinstance(row["SoTien"], str) for row in call["bill_info"]["DSKhoanNop"])
        notice = {name: call[name] for name in over + ["description", "locale", "country_code", "currency_code", "environment"]}
        notice.update(transaction_code="NP-" + call["transaction_id"], payment_fee="0", status=0, trans_amount=str(call["trans_amount"]))
        notice["check_sum"] = seal(second, [notice[name] for name in over])
        notices.append(json.dumps(notice))
        state = {"error": "0", "transaction_id": call["transaction_id"], "trans_amount": call["trans_amount"], "status": 0,
                 "transaction_code": notice["transaction_code"]}
        state["check_sum"] = seal(second, [state[name] for name in sorted(state)])
        states.append(json.dumps(state, indent=1))
    for text in given["query"]:
        call = json.loads(text)
        assert call["check_sum"] == seal(first, [call["client_id"], call["command"], call["transaction_id"]]), "query"
    return {"notices": notices, "states": states}


def by_zeep(given):
    import zeep

    client = zeep.Client(given["wsdl"])
    service = next(iter(client.wsdl.services.values()))
    port = next(iter(service.ports.values()))
    proxy = client.bind(service.name, port.name)
    values = {
        "DaNopPhi": {
            "MaThongDiep": "zeep-0001",
            "MaHoSo": "H26.15-20250421-0000117",
            "SoTien": 150000,
            "MaGiaoDich": "0GK3M7Q2V9X4B8N6C1D5",
            "ThoiDiem": "2025-04-21T09:30:00+07:00",
        },
        "TraCuu": {"MaThongDiep": "zeep-0002", "MaHoSo": "H26.15-20250421-0000117", "MaThongDiepHoi": "019a0b7c"},
    }
    made = {}
    for name, arguments in values.items():
        message = client.create_message(proxy, name, **arguments)
        made[name] = etree.tostring(message).decode()
    return {"made": made}


def by_spyne(given):
    import io
    import logging

    from spyne import Application, Integer, ServiceBase, Unicode, rpc
    from spyne.protocol.soap import Soap11, Soap12
    from spyne.server.wsgi import WsgiApplication

    logging.disable(logging.CRITICAL)
    seen = {}
    text = Unicode(min_occurs=1, nillable=False)

    class Ministry(ServiceBase):
        @rpc(
            text, text, Integer(min_occurs=1, nillable=False), text, text,
            _args=["MaThongDiep", "MaHoSo", "SoTien", "MaGiaoDich", "ThoiDiem"],
            _returns=[Unicode, Unicode, Unicode],
            _out_variable_names=["MaPhanHoi", "ThongDiep", "MaTiepNhan"],
            _out_message_name="DaNopPhiKetQua",
        )
        def DaNopPhi(ctx, MaThongDiep, MaHoSo, SoTien, MaGiaoDich, ThoiDiem):
            seen.update(id=MaThongDiep, code=MaHoSo, amount=int(SoTien), transaction=MaGiaoDich, at=ThoiDiem)
            return "0", "Đã nhận <phí> & cảm ơn", "TN-77"

    protocol = {11: Soap11, 12: Soap12}[given["soap"]]
    app = WsgiApplication(Application([Ministry], NS, in_protocol=protocol(validator="lxml"), out_protocol=protocol()))
    body = given["call"].encode()
    kind = "text/xml; charset=utf-8" if given["soap"] == 11 else "application/soap+xml; charset=utf-8"
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)), "HTTP_SOAPACTION": '"urn:lienthong:bo-gddt:1/DaNopPhi"',
    }
    told = {}
    answer = b"".join(app(environ, lambda status, headers: told.update(status=status)))
    return {"status": told["status"], "seen": seen, "answer": answer.decode()}


WORK = {"lxml": by_lxml, "letter": by_letter, "json": by_json, "texts": by_texts, "keypay": by_keypay, "zeep": by_zeep, "spyne": by_spyne}
json.dump(WORK[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
