"""Files of the four formats, good and hostile, made on the spot."""

import zlib

DXF_HEAD = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1032\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n"


def dxf(text: str = "Main entrance", lines: int = 3) -> bytes:
    entities = "".join(f"0\nLINE\n8\nWalls\n10\n{i}.0\n20\n0.0\n11\n{i}.5\n21\n10.0\n" for i in range(lines))
    return (f"{DXF_HEAD}0\nSECTION\n2\nENTITIES\n{entities}0\nTEXT\n8\nNotes\n10\n1\n20\n2\n1\n{text}\n0\nENDSEC\n0\nEOF\n").encode()


def step(name: str = "Bracket") -> bytes:
    return (f"ISO-10303-21;\nHEADER;\nFILE_NAME('{name}.stp','',(''),(''),'','','');\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\n"
            f"DATA;\n#1=PRODUCT('P1','{name}','',(#2));\n#2=PRODUCT_CONTEXT('',#3,'mechanical');\n#3=APPLICATION_CONTEXT('x');\n"
            "#4=CARTESIAN_POINT('',(0.,0.,0.));\n#5=CARTESIAN_POINT('',(10.,20.,30.));\n"
            "#6=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));\nENDSEC;\nEND-ISO-10303-21;\n").encode()


def ifc(name: str = "South wall") -> bytes:
    return ("ISO-10303-21;HEADER;FILE_NAME('house.ifc','',(''),(''),'','','');FILE_SCHEMA(('IFC4'));ENDSEC;DATA;"
            "#1=IFCPROJECT('0YvctVUKr0kugbFTf53O9L',#2,'House project',$,$,$,$,(#3),#4);"
            f"#5=IFCWALL('1YvctVUKr0kugbFTf53O9L',#2,'{name}',$,$,#6,#7,$);"
            "#9=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);#10=IFCCARTESIANPOINT((1.,2.,3.));ENDSEC;END-ISO-10303-21;").encode()


class Pdf:
    """A PDF file: objects in order, then the cross-reference."""

    def __init__(self):
        self.data = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
        self.offsets: list[int] = []

    def add(self, body: bytes) -> int:
        self.offsets.append(len(self.data))
        self.data += b"%d 0 obj\n" % len(self.offsets) + body + b"\nendobj\n"
        return len(self.offsets)

    def stream(self, content: bytes, extra: bytes = b"") -> int:
        packed = zlib.compress(content, 9)
        return self.add(b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n" % (len(packed), extra) + packed + b"\nendstream")

    def end(self, trailer: bytes = b"") -> bytes:
        at = len(self.data)
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in self.offsets)
        return (self.data + b"xref\n0 %d\n0000000000 65535 f \n" % (len(self.offsets) + 1) + rows
                + b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(self.offsets) + 1, trailer, at))


def pdf(text: str = "Hello from a page", pages: int = 2) -> bytes:
    out = Pdf()
    out.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    kids = b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(pages))
    out.add(b"<< /Type /Pages /Kids [" + kids + b"] /Count %d /MediaBox [0 0 595 842] >>" % pages)
    out.add(b"<< /Title (A drawing) >>")
    for i in range(pages):
        out.add(b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R >>" % (5 + 2 * i))
        out.stream(f"BT /F1 12 Tf 72 700 Td ({text} {i + 1}) Tj ET".encode())
    return out.end(b"/Info 3 0 R")


def pdf_bomb() -> bytes:
    out = Pdf()
    out.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    out.add(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    out.add(b"<< /Type /Page /Contents 4 0 R >>")
    out.stream(b" " * (40 << 20))
    return out.end()


def pdf_loop() -> bytes:
    out = Pdf()
    out.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    out.add(b"<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] >>")
    return out.end()


def pdf_xref_loop() -> bytes:
    good = pdf("After a loop", 1)
    at = good.rindex(b"xref\n0 ")
    return good.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % at)


# (name, type, bytes, part of the refusal; None = it is read)
HOSTILE = [
    ("empty drawing", "dxf", b"0\nEOF\n", "no SECTION"),
    ("truncated drawing", "dxf", dxf()[:-20], "cut off"),
    ("bad group code", "dxf", dxf().replace(b"\n8\nWalls", b"\n99999\nWalls"), "not a group code"),
    ("binary drawing", "dxf", b"AutoCAD Binary DXF\r\n\x1a\0" + bytes(100), "binary"),
    ("truncated model", "step", step()[:-40], "cut off"),
    ("deep model", "step", b"ISO-10303-21;DATA;#1=A" + b"(" * 100000, "beyond the bound"),
    ("endless string", "ifc", b"ISO-10303-21;DATA;#1=A('" + b"x" * (3 << 20), "does not end"),
    ("no header", "ifc", b"hello", "does not begin"),
    ("truncated document", "pdf", pdf()[:60], "no catalogue"),
    ("compressed bomb", "pdf", pdf_bomb(), "bomb"),
    ("pages of themselves", "pdf", pdf_loop(), "refers to itself"),
    ("cross-reference of itself", "pdf", pdf_xref_loop(), None),
    ("no document", "pdf", b"\0" * 1000, "not a PDF"),
]
